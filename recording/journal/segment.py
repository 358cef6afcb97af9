"""A segment: one append-only file of numbered entries, each with its length and checksum.

    {origin}-{key}-{number}.segment
        origin: 32 hex digits; key: 16 hex digits, the id of the key that seals
        number: 8 digits, from 1, in the order of writing

    entry = length (4 bytes, little-endian) | CRC-32 (4 bytes) | sequence (8 bytes) | digest (32) | seal (32)
            | payload (length bytes)

The checksum covers all that follows it. Digest and seal are those of `recording.seals`. The writer holds an exclusive
`flock` on its segment. If the lock can be acquired, the writer has exited and nobody will write to the segment again. A
file gets its final name only after it is locked.

Space is preallocated, so that a sync does not change the file's length; otherwise each sync would also wait for the
file system's own journal. Preallocated space is filled with a byte that never occurs in UTF-8. If an entry would begin
with it, nothing was written from there on.

The written part may end within an entry if the writer was killed; that entry was never acknowledged. Any other damage
loses only the entries that it hits: reading continues at the next whole entry.
"""

import fcntl
import os
import re
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

SUFFIX = ".segment"
HEAD = struct.Struct("<II")
SEALED = struct.Struct("<Q32s32s")
FRAME = HEAD.size + SEALED.size  # bytes of an entry without its payload
SCAN_BYTES = 1024 * 1024  # in memory during the search for the next whole entry
READ_BYTES = 64 * 1024  # each read may wait for other threads; most entries have about a thousand bytes
BLOCK_BYTES = 4096  # read at a time to find the end of the written part
FILLER = b"\xfe"
PREALLOCATED_BYTES = 1024 * 1024  # each time the file is extended
_NAME = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})-([0-9]{8})\.segment")
_SEQUENCE = re.compile(rb"(?=(?!\0{8})[\s\S]{7}\0)")  # not 0, and below 2^56; other bytes rarely match


class Entry(NamedTuple):
    """One entry: its number within the origin, digest, seal, payload, and the offset of its end in the file."""

    sequence: int
    digest: bytes
    seal: bytes
    payload: bytes
    end: int

    @property
    def start(self) -> int:
        """The offset of its start in the file, in bytes."""
        return self.end - FRAME - len(self.payload)


class SegmentName(NamedTuple):
    """The parts of a segment's file name. Sorts by origin (origins sort by time), then by number."""

    origin: str
    key_id: str
    number: int

    @classmethod
    def of(cls, path: Path) -> "SegmentName | None":
        """The name of a segment's file; None for any other file."""
        match = _NAME.fullmatch(path.name)
        return cls(match[1], match[2], int(match[3])) if match else None

    def __str__(self) -> str:
        return f"{self.origin}-{self.key_id}-{self.number:08d}{SUFFIX}"

    @property
    def following(self) -> "SegmentName":
        """The origin's next segment."""
        return self._replace(number=self.number + 1)


def pack(sequence: int, digest: bytes, seal: bytes, payload: bytes) -> bytes:
    """The bytes of one entry."""
    sealed = SEALED.pack(sequence, digest, seal)
    return HEAD.pack(len(payload), zlib.crc32(payload, zlib.crc32(sealed))) + sealed + payload


def create(folder: Path, name: SegmentName) -> int:
    """Creates a segment, mode 0600, locked, its name synced. Returns a descriptor that syncs every write (O_DSYNC).

    Raises `OSError`.
    """
    draft = folder / f"{name}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DSYNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(folder / str(name))
        sync_folder(folder)
    except OSError:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise
    return descriptor


def read(path: Path, start: int = 0, max_bytes: int = 4 * 1024 * 1024) -> Iterator[Entry]:
    """The whole entries from offset `start` on, in order, about `max_bytes` of them. Raises `OSError`.

    Stops at a torn or damaged entry if no whole entry follows; in an open segment that may be an entry that is being
    written. If a whole entry follows the damage, it comes next, and its `start` shows the gap.
    """
    with path.open("rb", READ_BYTES) as file:
        size = os.fstat(file.fileno()).st_size
        offset, last = start, 0
        while offset - start < max_bytes:
            entry = _entry_at(offset, file, size)
            if entry is None and not _is_unwritten(offset, file):
                entry = _entry_after(offset, file, size, last)
            if entry is None:
                return
            yield entry
            offset, last = entry.end, entry.sequence


def written_bytes(path: Path) -> int:
    """The size of the written part, without preallocated space. Raises `OSError`."""
    with path.open("rb") as file:
        blocks = range(-(-os.fstat(file.fileno()).st_size // BLOCK_BYTES))
        written = bisect_left(blocks, True, key=lambda block: not _written_in(block, file))
        return (written - 1) * BLOCK_BYTES + _written_in(written - 1, file) if written else 0


def _written_in(block: int, file: BinaryIO) -> int:
    file.seek(block * BLOCK_BYTES)
    return len(file.read(BLOCK_BYTES).rstrip(FILLER))


def is_torn(path: Path, start: int) -> bool:
    """Whether the written part ends within an entry that begins at offset `start`. Raises `OSError`."""
    rest = written_bytes(path) - start
    with path.open("rb") as file:
        file.seek(start)
        head = file.read(FRAME)
    return min(len(head), rest) < FRAME or int(HEAD.unpack_from(head)[0]) > rest - FRAME


def _entry_at(offset: int, file: BinaryIO, size: int) -> Entry | None:
    file.seek(offset)
    head = file.read(FRAME)
    if len(head) < FRAME:
        return None
    length, checksum = HEAD.unpack_from(head)
    if length > size - offset - FRAME:  # checked before reading: a damaged length may be 4 GiB
        return None
    payload = file.read(length)
    if len(payload) < length or zlib.crc32(payload, zlib.crc32(head[HEAD.size :])) != checksum:
        return None
    sequence, digest, seal = SEALED.unpack_from(head, HEAD.size)
    return Entry(sequence, digest, seal, payload, offset + FRAME + length)


def _is_unwritten(offset: int, file: BinaryIO) -> bool:
    file.seek(offset)
    return file.read(FRAME) == FILLER * FRAME


def _entry_after(damage: int, file: BinaryIO, size: int, last: int) -> Entry | None:
    """The first whole entry after damage at this offset, with a number above `last`. Searches in bounded memory."""
    offset = damage + 1
    while offset + FRAME <= size:
        file.seek(offset)
        chunk = file.read(SCAN_BYTES)
        for match in _SEQUENCE.finditer(chunk, HEAD.size):
            entry = _entry_at(offset + match.start() - HEAD.size, file, size)
            if entry is not None and entry.sequence > last:
                return entry
        offset += max(len(chunk) - FRAME, 1)
    return None


def sync_folder(folder: Path) -> None:
    """Makes the folder's directory entries durable. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
