"""Encryption at rest: AES-256-GCM with the keys of `DATA_KEYS`. The first key encrypts, all of them decrypt.

    envelope = 0x1F | "1" in a text, "2" in bytes | key id (8 hex digits) | body, in a text as base64
    body     = salt (16 bytes) | nonce (12) | ciphertext | tag (16)

No name and no JSON text begins with 0x1F, so a stored value is either clear or an envelope. Other values that begin
with it are stored as 0x1F, "0" and the value. A *place*, such as a column's name, is authenticated with each value: an
envelope that was moved to another place does not open.

NIST SP 800-38D allows 2^32 random nonces for one key, which a busy gateway uses up in days. So each process encrypts
with keys of its own, derived from the key and a random salt, and takes a new salt after 2^20 values.
"""

import hmac
import logging
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import pybase64
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.conf import settings
from common.exceptions import Unavailable

log = logging.getLogger(__name__)

KEY_BYTES = 32
MARK, TEXT, BYTES, ESCAPED = "\x1f", "\x1f1", "\x1f2", "\x1f0"
HEAD_LENGTH = 10  # characters or bytes, up to and with the key's id
UNREADABLE = '"this value was changed or moved in the database, and can not be decrypted"'  # JSON, like most columns

_KEY_ID = re.compile(r"[0-9a-f]{8}")
_SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 16, 12, 16
_VALUES_PER_SALT = 2**20
_MARK, _TEXT, _BYTES, _ESCAPED = (each.encode() for each in (MARK, TEXT, BYTES, ESCAPED))


class UnknownDataKey(Unavailable):
    """No key of DATA_KEYS has this id: put the old key back behind the first one."""

    kind = "unknown-data-key"
    title = "A key is missing that decrypts stored data"


class Undecryptable(Exception):
    """The bytes are no envelope, were changed, or come from another place. The error text quotes nothing of them."""


class _Sealer(NamedTuple):
    """A cipher of this process, its salt, and how many values it still encrypts."""

    salt: bytes
    cipher: AESGCM
    values: list[int]  # a list, because it changes


class DataKey:
    """One key of DATA_KEYS."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.id = key_id(secret)
        self._cipher = lru_cache(maxsize=1024)(self._derived)  # a page of rows has the salts of a few processes
        self._sealer = self._new_sealer()

    def encrypt(self, data: bytes, place: bytes) -> bytes:
        """The body of an envelope."""
        salt, cipher, values = self._sealer
        values[0] -= 1
        if values[0] < 0:
            self._sealer = self._new_sealer()
        nonce = os.urandom(_NONCE_BYTES)
        return salt + nonce + cipher.encrypt(nonce, data, place)

    def decrypt(self, body: bytes, place: bytes) -> bytes:
        """Raises `Undecryptable`."""
        start = _SALT_BYTES + _NONCE_BYTES
        if len(body) < start + _TAG_BYTES:
            raise Undecryptable("an encrypted value is cut off")
        try:
            return self._cipher(body[:_SALT_BYTES]).decrypt(body[_SALT_BYTES:start], body[start:], place)
        except InvalidTag:
            raise Undecryptable("an encrypted value was changed, or moved to another place") from None

    def _derived(self, salt: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self._secret, b"cipher" + salt, "sha256"))

    def _new_sealer(self) -> _Sealer:
        salt = os.urandom(_SALT_BYTES)
        return _Sealer(salt, self._derived(salt), [_VALUES_PER_SALT])


class DataKeys:
    """The key that encrypts, and all keys that decrypt. There is at least one."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        keys = [DataKey(secret) for secret in secrets]
        self.current = keys[0]
        self._keys = {key.id: key for key in keys}

    def find(self, key_id: str) -> DataKey | None:
        """The key of this id."""
        return self._keys.get(key_id)


def random_key() -> bytes:
    """A new key."""
    return os.urandom(KEY_BYTES)


def key_id(secret: bytes) -> str:
    """The 8 hex digits that name a key in each envelope; they reveal nothing of it."""
    return hmac.digest(secret, b"id", "sha256")[:4].hex()


def keys() -> DataKeys | None:
    """The keys from the settings; None if nothing is encrypted."""
    return _keys(settings.DATA_KEYS) if settings.DATA_KEYS else None


@lru_cache(maxsize=2)
def _keys(secrets: tuple[bytes, ...]) -> DataKeys:
    return DataKeys(secrets)


def protect_text(text: str, place: bytes) -> str:
    """What is stored of a text: an envelope if there are keys, else the text itself. A blank text stays blank."""
    ring = keys()
    if ring is None or not text:
        return ESCAPED + text if text[:1] == MARK else text
    body = pybase64.b64encode_as_string(ring.current.encrypt(text.encode(), place))
    return f"{TEXT}{ring.current.id}{body}"


def open_text(stored: str, place: bytes) -> str:
    """The text that `protect_text` stored; `UNREADABLE` if it was changed. Raises `UnknownDataKey`."""
    if stored[:1] != MARK:
        return stored
    if stored[:2] == ESCAPED:
        return stored[2:]
    try:
        return _decrypted_text(stored, place).decode()
    except (Undecryptable, UnicodeDecodeError) as exc:
        log.error("a value of %s can't be shown: %s", place.decode(), exc)
        return UNREADABLE


def protect_bytes(data: bytes, place: bytes) -> bytes:
    """As `protect_text`, for bytes."""
    ring = keys()
    if ring is None or not data:
        return _ESCAPED + data if data[:1] == _MARK else data
    return envelope(ring, data, place)


def open_bytes(stored: bytes, place: bytes) -> bytes:
    """The bytes that `protect_bytes` stored; the stored ones if they were changed. Raises `UnknownDataKey`."""
    if stored[:1] != _MARK:
        return stored
    if stored[:2] == _ESCAPED:
        return stored[2:]
    try:
        return decrypted(stored, place)
    except Undecryptable as exc:
        log.error("a value of %s can't be read: %s", place.decode(), exc)
        return stored


def renewed_text(stored: str, place: bytes) -> str:
    """A stored text as `protect_text` would store it now. Raises `Undecryptable` or `UnknownDataKey`."""
    is_clear = stored[:1] != MARK or stored[:2] == ESCAPED
    return protect_text(open_text(stored, place) if is_clear else _decrypted_text(stored, place).decode(), place)


def renewed_bytes(stored: bytes, place: bytes) -> bytes:
    """As `renewed_text`, for bytes."""
    is_clear = stored[:1] != _MARK or stored[:2] == _ESCAPED
    return protect_bytes(open_bytes(stored, place) if is_clear else decrypted(stored, place), place)


def envelope(ring: DataKeys, data: bytes, place: bytes) -> bytes:
    """The envelope of bytes."""
    return b"".join((_BYTES, ring.current.id.encode(), ring.current.encrypt(data, place)))


def decrypted(stored: bytes, place: bytes) -> bytes:
    """The content of an envelope of bytes. Raises `Undecryptable` for anything else, and `UnknownDataKey`."""
    if stored[:2] != _BYTES:
        raise Undecryptable("it is not encrypted")
    return _find(stored[2:HEAD_LENGTH].decode("ascii", "replace")).decrypt(stored[HEAD_LENGTH:], place)


def current_head(kind: str) -> str:
    """How envelopes of this kind (`TEXT` or `BYTES`) begin that are made now; blank without keys."""
    ring = keys()
    return f"{kind}{ring.current.id}" if ring else ""


def _decrypted_text(stored: str, place: bytes) -> bytes:
    if stored[:2] != TEXT:
        raise Undecryptable("it is neither clear nor encrypted")
    key = _find(stored[2:HEAD_LENGTH])
    try:
        return key.decrypt(pybase64.b64decode(stored[HEAD_LENGTH:], validate=True), place)
    except ValueError:
        raise Undecryptable("an encrypted value is cut off") from None


def _find(key_id: str) -> DataKey:
    ring = keys()
    key = ring.find(key_id) if ring else None
    if key is not None:
        return key
    if not _KEY_ID.fullmatch(key_id):
        raise Undecryptable("an encrypted value names no key")
    text = f"No key in DATA_KEYS has the id {key_id}: put the old key back behind the first one."
    raise UnknownDataKey(text)
