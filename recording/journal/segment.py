"""A segment: one append-only file of frames, each with the entries of one group commit.

    {origin}-{key}-{number}.segment
        origin: 32 hex digits; key: 16 hex digits, the id of the key that seals
        number: 8 digits, from 1, in the order of writing

    frame = mark (4 bytes) | length of the body (4, little-endian) | its CRC-32 (4) | first sequence (8) | count (4)
            | CRC-32 of the head so far (4) | body
    body  = for each entry: digest (32) | seal (32) | length of the payload (4); then all payloads

The entries of a frame are numbered without a gap from its first sequence on. Digest and seal are those of
`recording.seals`. Both checksums also cover the file's name without its suffix, so no frame of another segment passes
for one of this.

The writer holds an exclusive `flock` on its segment. If the lock can be acquired, the writer has exited and nobody will
write to the segment again. A file gets its final name only after it is locked.

Space is preallocated, so that a sync does not change the file's length; otherwise each sync would also wait for the
file system's own journal. Preallocated space is filled with a byte that never occurs in UTF-8, so a sector of a frame
that was never written shows: see `is_torn`. Encrypted payloads are not UTF-8, but end with one byte that is.

A frame is written only after the frame before it is complete. So a reader that finds a whole frame after an incomplete
one looks at the latter again: if it is still not whole, it is damaged, and otherwise it was being written.
"""

import errno
import fcntl
import os
import re
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

SUFFIX = ".segment"
MARK, BLANK_MARK = b"\xf5MLP", b"\xf5MLX"  # no UTF-8 text contains the first byte; ciphertext rarely
_ANY_MARK = MARK[:3]
HEAD = struct.Struct("<4sIIQI")  # without its checksum
CHECKSUM = struct.Struct("<I")
HEAD_BYTES = HEAD.size + CHECKSUM.size
SEALED = struct.Struct("<32s32sI")  # of an entry
SCAN_BYTES = 1024 * 1024  # in memory during the search for the next whole frame
BLOCK_BYTES = 4096  # read at a time where a disk error is, and to find the end of the written part
SECTOR_BYTES = 512  # a disk writes no less
FILLER = b"\xfe"
ALL = 2**62  # bytes: no limit
PREALLOCATED_BYTES = 1024 * 1024  # each time the file is extended
_UNREADABLE = b"\xff"  # stands for a byte that the disk can't read
_NAME = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})-([0-9]{8})\.segment")


class Entry(NamedTuple):
    """One entry: its number within the origin, digest, seal and payload."""

    sequence: int
    digest: bytes
    seal: bytes
    payload: bytes


class Frame(NamedTuple):
    """One frame, by its offsets in the file. The entries of a blank frame were erased, after they were settled."""

    start: int
    end: int
    first: int  # sequences
    last: int
    entries: Sequence[Entry] = ()

    @property
    def is_blank(self) -> bool:
        """Whether its entries were erased."""
        return not self.entries


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
        return f"{self.stem}{SUFFIX}"

    @property
    def stem(self) -> str:
        """The file's name without its suffix."""
        return f"{self.origin}-{self.key_id}-{self.number:08d}"

    @property
    def following(self) -> "SegmentName":
        """The origin's next segment."""
        return self._replace(number=self.number + 1)


def pack(name: SegmentName, entries: Sequence[Entry]) -> bytes:
    """The bytes of a frame of this segment; `entries` are numbered without a gap."""
    stem = name.stem
    sealed = [SEALED.pack(entry.digest, entry.seal, len(entry.payload)) for entry in entries]
    body = b"".join(sealed + [entry.payload for entry in entries])
    return (
        _with_checksum(stem, HEAD.pack(MARK, len(body), _checksum(stem, body), entries[0].sequence, len(entries)))
        + body
    )


def _with_checksum(stem: str, head: bytes) -> bytes:
    return head + CHECKSUM.pack(_checksum(stem, head))


def _checksum(stem: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(stem.encode()))


def create(folder: Path, name: SegmentName) -> int:
    """Creates a segment, mode 0600, locked, its name synced. Returns a descriptor that syncs every write (O_DSYNC).

    Raises `OSError`.
    """
    draft = folder / f"{name}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DSYNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_at(descriptor, FILLER * SECTOR_BYTES, 0)  # a disk that takes nothing must not fill with empty files
        draft.rename(folder / str(name))
        sync_folder(folder)
    except OSError:
        with suppress(OSError):  # network file systems report a failed write once more
            os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise
    return descriptor


def frames(
    path: Path, start: int = 0, max_bytes: int = 4 * 1024 * 1024, *, skip_errors: bool = True
) -> Iterator[Frame]:
    """The whole frames from offset `start` on, in order, about `max_bytes` of them. Raises `OSError`.

    A block that the disk can't read counts as damaged, or raises too if `skip_errors` is false: the error may pass.

    Stops at a frame that is not whole if no whole frame follows; in an open segment it may be being written. If a whole
    frame follows, it comes next, and its `start` shows the gap.
    """
    with _File(path, skip_errors=skip_errors) as file:
        offset, last = start, 0
        while offset - start < max_bytes:
            frame = file.frame_at(offset) or file.frame_beyond(offset, last)
            if frame is None:
                return
            yield frame
            offset, last = frame.end, frame.last


def written_bytes(path: Path) -> int:
    """The size of the written part, without preallocated space. Raises `OSError`."""
    with _File(path) as file:
        blocks = range(-(-file.size // BLOCK_BYTES))
        written = bisect_left(blocks, True, key=lambda block: not file.written_in_block(block))
        return (written - 1) * BLOCK_BYTES + file.written_in_block(written - 1) if written else 0


def is_unwritten(path: Path, start: int) -> bool:
    """Whether nothing was written from offset `start` on. Raises `OSError`."""
    with _File(path) as file:
        return file.written_end(start) <= start


def is_torn(path: Path, start: int) -> bool:
    """Whether the last frame, which begins at offset `start`, was cut off by a crash: then nobody was answered for it.

    A disk writes whole sectors, in any order. So at least one sector of a frame that was cut off was never written. A
    frame whose sectors were all written is damaged instead. Raises `OSError`.
    """
    with _File(path) as file:
        end = file.end_of_head_at(start) or max(file.written_end(start), start + HEAD_BYTES)
        return end > file.size or any(file.is_filler(*sector) for sector in _parts(start, end, SECTOR_BYTES))


def blank(path: Path, frame: Frame) -> None:
    """Overwrites the payloads, digests and seals of a frame's entries, which are settled. Raises `OSError`.

    The head comes first: a reader that sees it looks at nothing else.
    """
    length = frame.end - frame.start - HEAD_BYTES
    descriptor = os.open(path, os.O_WRONLY | os.O_DSYNC | os.O_CLOEXEC)
    try:
        head = HEAD.pack(BLANK_MARK, length, 0, frame.first, frame.last - frame.first + 1)
        write_at(descriptor, _with_checksum(path.stem, head), frame.start)
        write_at(descriptor, bytes(length), frame.start + HEAD_BYTES)
    finally:
        os.close(descriptor)


def is_wiped(path: Path, frame: Frame) -> bool:
    """Whether a frame is blank, and nothing of its entries is left. Raises `OSError`."""
    with _File(path) as file:
        return frame.is_blank and file.is_zero(frame.start + HEAD_BYTES, frame.end)


def write_at(descriptor: int, data: bytes, offset: int) -> int:
    """Writes all of `data` at `offset`, and returns the offset of its end. Raises `OSError`."""
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count
    return offset


def sync_folder(folder: Path) -> None:
    """Makes the folder's directory entries durable. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parts(start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """The range, cut at each multiple of `size`."""
    while start < end:
        following = min((start // size + 1) * size, end)
        yield start, following
        start = following


class _Head(NamedTuple):
    frame: Frame  # without its entries
    is_blank: bool
    length: int  # of the body
    checksum: int  # of the body


class _File:
    """A segment's file, for reading."""

    def __init__(self, path: Path, *, skip_errors: bool = True) -> None:
        self._stem, self._skip_errors = path.stem, skip_errors
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def frame_at(self, offset: int) -> Frame | None:
        """The frame that begins at this offset; None unless it is whole."""
        head = self._head_at(offset)
        if head is None or head.frame.end > self.size:  # checked before reading: a damaged length may be 4 GiB
            return None
        if head.is_blank:
            return head.frame
        body = self._read(offset + HEAD_BYTES, head.length)
        if len(body) < head.length or _checksum(self._stem, body) != head.checksum:
            return None
        return head.frame._replace(entries=tuple(_entries(body, head.frame.first, head.frame.last)))

    def end_of_head_at(self, offset: int) -> int | None:
        """The end of the frame that begins at this offset, whether it is whole or not; None if its head is not."""
        head = self._head_at(offset)
        return head.frame.end if head else None

    def _head_at(self, offset: int) -> "_Head | None":
        raw = self._read(offset, HEAD_BYTES)
        if len(raw) < HEAD_BYTES or raw[: len(MARK)] not in {MARK, BLANK_MARK}:
            return None
        if CHECKSUM.unpack_from(raw, HEAD.size)[0] != _checksum(self._stem, raw[: HEAD.size]):
            return None
        mark, length, checksum, first, count = HEAD.unpack_from(raw)
        return _Head(
            Frame(offset, offset + HEAD_BYTES + length, first, first + count - 1), mark == BLANK_MARK, length, checksum
        )

    def frame_beyond(self, offset: int, last: int) -> Frame | None:
        """The next whole frame after one at this offset that was not whole at first sight, with numbers above `last`.

        None if no whole frame follows: then this one may still be being written.
        """
        if self._find(offset + 1, last) is None:
            return None
        return self.frame_at(offset) or self._find(offset + 1, last)

    def _find(self, offset: int, last: int) -> Frame | None:
        """The first whole frame from this offset on. Searches in bounded memory."""
        while offset + HEAD_BYTES <= self.size:
            chunk = self._read(offset, SCAN_BYTES)
            found = chunk.find(_ANY_MARK)
            while found >= 0:
                frame = self.frame_at(offset + found)
                if frame is not None and frame.first > last:
                    return frame
                found = chunk.find(_ANY_MARK, found + 1)
            offset += max(len(chunk) - len(_ANY_MARK) + 1, 1)
        return None

    def written_in_block(self, block: int) -> int:
        """How many bytes of a block were written; the written part is at its start."""
        return len(self._read(block * BLOCK_BYTES, BLOCK_BYTES).rstrip(FILLER))

    def written_end(self, start: int) -> int:
        """The end of the last byte that was written from `start` on, `start` or less if there is none."""
        end = start
        for offset in range(start, self.size, SCAN_BYTES):
            chunk = self._read(offset, SCAN_BYTES).rstrip(FILLER)
            end = offset + len(chunk) if chunk else end
        return end

    def is_filler(self, start: int, end: int) -> bool:
        """Whether nothing was written into this range."""
        return self._read(start, end - start) == FILLER * (end - start)

    def is_zero(self, start: int, end: int) -> bool:
        """Whether all bytes of this range are 0."""
        return not any(any(self._read(first, last - first)) for first, last in _parts(start, end, SCAN_BYTES))

    def _read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes. Raises `OSError`, but not for a disk error that is skipped."""
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as exc:
            if exc.errno != errno.EIO or offset >= self.size or not self._skip_errors:
                raise
        end = min(offset + length, self.size)
        return b"".join(self._read_block(first, last) for first, last in _parts(offset, end, BLOCK_BYTES))

    def _read_block(self, start: int, end: int) -> bytes:
        try:
            return os.pread(self._descriptor, end - start, start)
        except OSError as exc:
            if exc.errno != errno.EIO:
                raise
            return _UNREADABLE * (end - start)


def _entries(body: bytes, first: int, last: int) -> Iterator[Entry]:
    start = (last - first + 1) * SEALED.size
    for number, (digest, seal, length) in enumerate(SEALED.iter_unpack(body[:start]), start=first):
        yield Entry(number, digest, seal, body[start : start + length])
        start += length
