"""Passwords of registered databases, encrypted at rest with Fernet.

`DATABASE_CREDENTIAL_KEYS` holds the keys: the first one encrypts, all of them decrypt. To rotate, put a new key in
front, run `manage.py rotate_credentials`, then remove the old one.
"""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from common.conf import settings
from text_to_sql.exceptions import CredentialsUnavailable

_FIX = "set DATABASE_CREDENTIAL_KEYS to 32 characters or more, for example what `openssl rand -hex 32` prints"


def encrypt(password: str) -> str:
    """What is stored of a password. Raises `CredentialsUnavailable` if there is no key."""
    return _ring().encrypt(password.encode()).decode()


def decrypt(stored: str) -> str:
    """The password that `encrypt` stored. Raises `CredentialsUnavailable`."""
    try:
        return _ring().decrypt(stored).decode()
    except InvalidToken:
        raise CredentialsUnavailable(
            "No key decrypts this password: put the old key back behind the first one in DATABASE_CREDENTIAL_KEYS, "
            "or give the database its password again."
        ) from None


def rotate(stored: str) -> str:
    """A stored password, encrypted with the first key. Raises `CredentialsUnavailable`."""
    return encrypt(decrypt(stored))


def _ring() -> MultiFernet:
    if not settings.DATABASE_CREDENTIAL_KEYS:
        raise CredentialsUnavailable(f"Passwords can't be stored: {_FIX}.")
    return _of(tuple(settings.DATABASE_CREDENTIAL_KEYS))


@lru_cache(maxsize=2)
def _of(texts: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_key(text)) for text in texts])


def _key(text: str) -> bytes:
    """A Fernet key from a text of any length; the text has the entropy, so no slow hash is needed."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"text_to_sql.credentials" + text.encode()).digest())
