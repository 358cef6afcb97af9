"""The keys that encrypt payloads and names at rest."""

import binascii
from base64 import urlsafe_b64decode

from backend import env
from common.encryption import KEY_BYTES, key_id

_COMMAND = "openssl rand -base64 32"


def _read_keys() -> tuple[bytes, ...]:
    """32 bytes each, in base64 or base64url, with or without padding. Raises `BadSetting`, which quotes no key."""
    keys = tuple(_key(number, text) for number, text in enumerate(env.items("DATA_KEYS"), start=1))
    if len({key_id(key) for key in keys}) < len(keys):
        raise env.BadSetting("DATA_KEYS", "has the same key twice", "leave one of them out")
    return keys


def _key(number: int, text: str) -> bytes:
    padded = text.rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        key = urlsafe_b64decode(padded + "=" * (-len(padded) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        fix = f"list keys of 32 random bytes in base64, with commas, each as `{_COMMAND}` prints it; the first encrypts"
        raise env.BadSetting("DATA_KEYS", f"can't be used: key {number} is not 32 bytes in base64", fix)
    return key


DATA_KEYS = _read_keys()
