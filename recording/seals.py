"""Seals that reveal any change to the log.

The seal of a record covers its number, a keyed digest of its content, and the previous seal of its origin:

    digest = HMAC-SHA256(key, "content" | content)
    seal   = HMAC-SHA256(key, "seal" | previous seal | origin | sequence | digest)

The digest is keyed, so that nobody can test guesses at an erased payload against the digest in its tombstone. An
origin's head (its settled numbers, how many are erased, and whether it has ended) is sealed too, so that deleted newest
rows show. Keys come from `SEAL_KEY` and `SEAL_KEY_FALLBACKS`; each origin names its key by an id.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from common.conf import settings
from common.keyed_hash import KeyedHash

START = bytes(32)  # the previous seal of an origin's first record


class UnknownKey(Exception):
    """No configured key has this id: add the old key to SEAL_KEY_FALLBACKS."""


class Key:
    """One sealing key."""

    def __init__(self, text: str) -> None:
        self._hash = KeyedHash(_sha256(text.encode()))
        self.id = self._hash.digest(b"id")[:8].hex()

    def digest(self, content: bytes) -> bytes:
        """The 32-byte keyed digest of a record's content."""
        return self._mac(b"content", content)

    def seal(self, previous: bytes, origin: UUID, sequence: int, digest: bytes) -> bytes:
        """The 32-byte seal of a record."""
        return self._mac(b"seal", previous, origin.bytes, _number(sequence), digest)

    def row(self, place: tuple[UUID, int], seal: bytes, digest: bytes, created_at: int, size: int) -> bytes:
        """The 32-byte seal of a row, over its origin and number, and its record's seal, content, time and size.

        The record's seal covers the number too, but nobody can verify it if the record before is gone.
        """
        origin, sequence = place
        times = _number(created_at), _number(size)
        return self._mac(b"row", origin.bytes, _number(sequence), *times, digest, seal)

    def disposition(self, seal: bytes, digest: bytes, payload: bytes, created_at: int, text: str) -> bytes:
        """The 32-byte seal of a disposition; `text` is its origin, number, kind and reason."""
        parts = _sha256(seal), _sha256(digest), _sha256(payload)  # columns, so their lengths may vary
        return self._mac(b"disposition", *parts, _number(created_at), text.encode())

    def head(self, origin: UUID, host: str, settled: str, erased: int, *, ended: bool) -> bytes:
        """The 32-byte seal of an origin's head."""
        numbers = _sha256(settled.encode()), _number(erased)
        return self._mac(b"head", origin.bytes, *numbers, b"\1" if ended else b"\0", host.encode())

    def message(self, text: str, records: bytes) -> bytes:
        """The 32-byte seal of a message: of its packed records, and of all its other values in one text."""
        return self._mac(b"message", _sha256(records), text.encode())

    def _mac(self, *parts: bytes) -> bytes:
        """Only the last part may vary in length, so that different parts never give the same bytes."""
        return self._hash.digest(b"".join([parts[0], b"\0", *parts[1:]]))


class Keyring:
    """The current key, which seals, and older keys, which still verify."""

    def __init__(self, current: str, fallbacks: Sequence[str] = ()) -> None:
        self.current = Key(current)
        self._keys = {key.id: key for key in (self.current, *map(Key, fallbacks))}

    def find(self, key_id: str) -> Key:
        """The key of this id. Raises `UnknownKey`."""
        try:
            return self._keys[key_id]
        except KeyError:
            raise UnknownKey(f"no configured key has the id {key_id}: add the old key to SEAL_KEY_FALLBACKS") from None

    def others(self, key: Key) -> list[Key]:
        """All keys but this one."""
        return [each for each in self._keys.values() if each.id != key.id]


def keyring() -> Keyring:
    """The keys from the settings."""
    return _keyring(settings.SEAL_KEY, tuple(settings.SEAL_KEY_FALLBACKS))


@lru_cache(maxsize=2)
def _keyring(current: str, fallbacks: tuple[str, ...]) -> Keyring:
    return Keyring(current, fallbacks)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)
