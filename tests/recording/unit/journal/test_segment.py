"""Segments: every whole frame is read back from truncated and damaged files, and nothing half written is damage."""

import errno
import os
import threading
import tracemalloc
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.journal import segment
from recording.journal.segment import Entry, Frame, SegmentName

KEY_ID = "0123456789abcdef"
# Any bytes, except for the end: payloads are UTF-8, which never ends with the filler byte.
payloads = st.binary(max_size=900).map(lambda data: data + b"}")
groups = st.lists(st.lists(payloads, min_size=1, max_size=4), min_size=1, max_size=4)
MakeFolder = pytest.TempPathFactory


def written(folder: Path, commits: list[list[bytes]]) -> Path:
    """A segment with one frame for each of `commits`."""
    name, frames, first = SegmentName(uuid4().hex, KEY_ID, 1), b"", 1
    for commit in commits:
        entries = [Entry(first + index, b"d" * 32, b"s" * 32, item) for index, item in enumerate(commit)]
        frames += segment.pack(name, entries)
        first += len(commit)
    path = folder / str(name)
    path.write_bytes(frames)
    return path


def read(path: Path, start: int = 0) -> list[Frame]:
    return list(segment.frames(path, start, 2**40))


@given(commits=groups)
def test_it_reads_back_what_was_written(tmp_path_factory: MakeFolder, commits: list[list[bytes]]) -> None:
    path = written(tmp_path_factory.mktemp("journal"), commits)
    frames = read(path)
    entries = [entry for frame in frames for entry in frame.entries]
    assert [[entry.payload for entry in frame.entries] for frame in frames] == commits
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert [(frame.first, frame.last) for frame in frames] == [
        (frame.entries[0].sequence, frame.entries[-1].sequence) for frame in frames
    ]
    assert frames[-1].end == path.stat().st_size


@given(commits=groups, data=st.data())
def test_it_loses_only_the_frame_with_a_changed_byte(
    tmp_path_factory: MakeFolder, commits: list[list[bytes]], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), commits)
    raw, frames = bytearray(path.read_bytes()), read(path)
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    assert read(path) == [frame for frame in frames if not frame.start <= position < frame.end]


@given(commits=groups, data=st.data())
def test_it_reads_every_whole_frame_around_a_damaged_range(
    tmp_path_factory: MakeFolder, commits: list[list[bytes]], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), commits)
    raw, frames = path.read_bytes(), read(path)
    start = data.draw(st.integers(0, len(raw) - 1))
    garbage = data.draw(st.one_of(st.binary(max_size=len(raw)), st.integers(1, len(raw)).map(bytes)))
    damaged = raw[:start] + garbage[: len(raw) - start] + raw[start + len(garbage) :]
    path.write_bytes(damaged)
    assert read(path) == [frame for frame in frames if raw[frame.start : frame.end] == damaged[frame.start : frame.end]]


@given(commits=groups, data=st.data())
def test_it_tells_a_last_frame_that_was_cut_off_from_a_damaged_one(
    tmp_path_factory: MakeFolder, commits: list[list[bytes]], data: st.DataObject
) -> None:
    """A power cut leaves any of a frame's sectors unwritten; each bit that flips later leaves all of them written."""
    path = written(tmp_path_factory.mktemp("journal"), commits)
    raw, frames = bytearray(path.read_bytes()), read(path)
    last, space = frames[-1], segment.FILLER * data.draw(st.integers(0, 2 * segment.SECTOR_BYTES))
    parts = list(segment._parts(last.start, last.end, segment.SECTOR_BYTES))
    for start, end in data.draw(st.lists(st.sampled_from(parts), min_size=1, unique=True)):
        raw[start:end] = segment.FILLER * (end - start)
    path.write_bytes(raw + space)
    assert read(path) == frames[:-1]
    assert segment.is_unwritten(path, last.start) or segment.is_torn(path, last.start)


@given(commits=groups, data=st.data())
def test_a_flipped_bit_in_the_last_frame_is_damage(
    tmp_path_factory: MakeFolder, commits: list[list[bytes]], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), [[*commit, b"x" * 2000 + b"}"] for commit in commits])
    raw, last = bytearray(path.read_bytes()), read(path)[-1]
    position = data.draw(st.integers(last.start, last.end - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw + segment.FILLER * 5000)
    assert not segment.is_unwritten(path, last.start)
    assert not segment.is_torn(path, last.start)


@given(commits=groups)
def test_a_file_that_ends_within_its_last_frame_was_cut_off(
    tmp_path_factory: MakeFolder, commits: list[list[bytes]]
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), commits)
    frames = read(path)
    for length in (frames[-1].end - 1, frames[-1].start + segment.HEAD_BYTES, frames[-1].start + 3):
        os.truncate(path, length)
        assert read(path) == frames[:-1]
        assert segment.is_torn(path, frames[-1].start)


def test_a_frame_that_is_being_written_is_no_damage(tmp_path: Path) -> None:
    """The writer is one step ahead of the reader: between its two looks at a frame, it and the next one are written."""
    path = written(tmp_path, [[b"one"], [b"two"], [b"three"]])
    raw, frames = path.read_bytes(), read(path)
    path.write_bytes(raw[: frames[1].start] + segment.FILLER * (len(raw) - frames[1].start))
    look = segment._File.frame_at

    def late_look(file: segment._File, offset: int) -> Frame | None:
        frame = look(file, offset)
        if offset == frames[1].start and frame is None:
            path.write_bytes(raw)
        return frame

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment._File, "frame_at", late_look)
        assert read(path) == frames


@pytest.mark.parametrize("payload_bytes", [20_000, 200_000])
def test_a_reader_without_a_pause_loses_nothing(tmp_path: Path, payload_bytes: int) -> None:
    """A writer that copies in small pieces, so that the reader sees frames that are half there."""
    name = SegmentName(uuid4().hex, KEY_ID, 1)
    path = tmp_path / str(name)
    path.write_bytes(segment.FILLER * 4 * 2**20)
    frames = [
        segment.pack(name, [Entry(first + index, b"d" * 32, b"s" * 32, b"x" * payload_bytes) for index in range(4)])
        for first in range(1, 40 if payload_bytes < 100_000 else 17, 4)
    ]

    def write() -> None:
        with path.open("r+b", buffering=0) as file:
            for frame in frames:
                for start in range(0, len(frame), 5000):
                    file.write(frame[start : start + 5000])

    writing = threading.Thread(target=write)
    writing.start()
    offset, found = 0, list[Frame]()
    while len(found) < len(frames):
        for frame in segment.frames(path, offset):
            assert frame.start == offset
            offset = frame.end
            found.append(frame)
    writing.join()
    assert [frame.last for frame in found] == list(range(4, 4 * len(frames) + 1, 4))


def test_a_sector_that_cannot_be_read_loses_only_its_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, [[b"x" * 3 * segment.BLOCK_BYTES] for _ in range(5)])
    frames, pread = read(path), os.pread
    bad = frames[2].start // segment.BLOCK_BYTES * segment.BLOCK_BYTES + segment.BLOCK_BYTES

    def failing_pread(descriptor: int, length: int, offset: int) -> bytes:
        if offset <= bad < offset + length:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", failing_pread)
    assert read(path) == [*frames[:2], *frames[3:]]


def test_a_blank_frame_keeps_its_numbers_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path, [[b"one"], [b"secret", b"more"], [b"three"]])
    size, frames = path.stat().st_size, read(path)
    segment.blank(path, frames[1])
    assert b"secret" not in path.read_bytes()
    assert path.stat().st_size == size
    assert read(path) == [frames[0], frames[1]._replace(entries=()), frames[2]]
    assert [frame.is_blank for frame in read(path)] == [False, True, False]


def test_a_frame_of_another_segment_is_not_read(tmp_path: Path) -> None:
    path, other = written(tmp_path, [[b"one"]]), written(tmp_path, [[b"other"]])
    path.write_bytes(other.read_bytes())
    assert read(path) == []


def test_it_finds_a_distant_next_frame_in_bounded_memory(tmp_path: Path) -> None:
    path = written(tmp_path, [[b"a"], [b"b" * (5 * segment.SCAN_BYTES)], [b"c"]])
    with path.open("r+b") as file:
        file.seek(read(path)[1].start + 1)
        file.write(b"\xff" * 4 + bytes(2 * segment.SCAN_BYTES))  # an absurd length, and zeros as after a lost block
    tracemalloc.start()
    frames = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [frame.first for frame in frames] == [1, 3]
    assert peak < 3 * segment.SCAN_BYTES


def test_it_finds_the_end_of_the_written_part_for_any_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"", b"a", b"a" * segment.BLOCK_BYTES, b"a" * (segment.BLOCK_BYTES + 1)):
        for filler in (0, 1, segment.BLOCK_BYTES, 3 * segment.BLOCK_BYTES - 1):
            path.write_bytes(data + segment.FILLER * filler)
            assert segment.written_bytes(path) == len(data)
            assert segment.is_unwritten(path, len(data))
            assert not data or not segment.is_unwritten(path, len(data) - 1)


def test_it_reads_a_limited_amount_from_an_offset(tmp_path: Path) -> None:
    path = written(tmp_path, [[b"a" * 100]] * 10)
    first = list(segment.frames(path, 0, max_bytes=400))
    assert len(first) == 3
    assert [frame.first for frame in first + read(path, first[-1].end)] == list(range(1, 11))


def test_it_creates_a_private_segment_and_leaves_no_draft(tmp_path: Path) -> None:
    name = SegmentName(uuid4().hex, KEY_ID, 3)
    descriptor = segment.create(tmp_path, name)
    assert [path.name for path in tmp_path.iterdir()] == [str(name)]
    assert (tmp_path / str(name)).stat().st_mode & 0o777 == 0o600
    os.close(descriptor)


def test_it_distinguishes_segments_from_other_files() -> None:
    name = SegmentName(uuid4().hex, KEY_ID, 12)
    assert SegmentName.of(Path(str(name))) == name
    for other in ("publisher.lock", f"{name}.draft", f"{name.origin}-{KEY_ID}-1.segment", "x.damaged"):
        assert SegmentName.of(Path(other)) is None
