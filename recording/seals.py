"""Seals that make a change to the log show.

Each record of an origin is sealed over its number, a keyed digest of its content and the seal before it:

    digest = HMAC-SHA256(key, "content" | content)
    seal   = HMAC-SHA256(key, "seal" | previous seal | origin | sequence | digest)

The digest is keyed, so that an erased payload's digest, which its tombstone keeps, tells nothing of the payload to
whoever guesses at it. An origin's head (its highest number, and whether it has ended) is sealed too, so that newest
rows that were deleted show. Keys come from `SEAL_KEY` and `SEAL_KEY_FALLBACKS`; what is sealed names its key by an id.
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from common.conf import settings

START = bytes(32)  # what the first record of an origin has for a previous seal


class UnknownKey(Exception):
    """No key at hand has this id: put the old one into SEAL_KEY_FALLBACKS."""


class Key:
    """One sealing key."""

    def __init__(self, text: str) -> None:
        secret = hashlib.sha256(text.encode()).digest()
        self._begun = hmac.new(secret, digestmod="sha256")  # copied for each use, which spares working in the key again
        self.id = hmac.digest(secret, b"id", "sha256")[:8].hex()

    def digest(self, content: bytes) -> bytes:
        """32 bytes that stand for a record's content."""
        return self._mac(b"content", content)

    def seal(self, previous: bytes, origin: UUID, sequence: int, digest: bytes) -> bytes:
        """The 32 bytes of a record's seal."""
        return self._mac(b"seal", previous, origin.bytes, _number(sequence), digest)

    def row(self, seal: bytes, digest: bytes, created_at: int, size: int) -> bytes:
        """The 32 bytes that hold a row to its content, to its number's seal, and to when it was written."""
        return self._mac(b"row", seal, digest, _number(created_at), _number(size))

    def disposition(self, kind: str, seal: bytes, digest: bytes, payload: bytes) -> bytes:
        """The 32 bytes that hold the disposition of a record that is no row."""
        return self._mac(b"disposition", seal, digest, hashlib.sha256(payload).digest(), kind.encode())

    def head(self, origin: UUID, host: str, highest: int, *, ended: bool) -> bytes:
        """The 32 bytes of an origin's own seal."""
        return self._mac(b"head", origin.bytes, _number(highest), b"\1" if ended else b"\0", host.encode())

    def _mac(self, *parts: bytes) -> bytes:
        """Only the last part may vary in length, so that no two messages read alike."""
        mac = self._begun.copy()
        mac.update(b"\0".join([parts[0], b"".join(parts[1:])]))
        return mac.digest()


class Keyring:
    """The key that seals, and those that still verify."""

    def __init__(self, current: str, fallbacks: Sequence[str] = ()) -> None:
        self.current = Key(current)
        self._keys = {key.id: key for key in (self.current, *map(Key, fallbacks))}

    def find(self, key_id: str) -> Key:
        """The key of this id. Raises `UnknownKey`."""
        try:
            return self._keys[key_id]
        except KeyError:
            raise UnknownKey(f"no key at hand has the id {key_id}: put the old one into SEAL_KEY_FALLBACKS") from None


def keyring() -> Keyring:
    """The keys that the settings name."""
    return _keyring(settings.SEAL_KEY, tuple(settings.SEAL_KEY_FALLBACKS))


@lru_cache(maxsize=2)
def _keyring(current: str, fallbacks: tuple[str, ...]) -> Keyring:
    return Keyring(current, fallbacks)


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")
