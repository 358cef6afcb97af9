"""Segments: every whole entry is read back from truncated and damaged files."""

import os
import tracemalloc
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.journal import segment
from recording.journal.segment import SegmentName

KEY_ID = "0123456789abcdef"
# Any bytes, except for the end: payloads are UTF-8, which never ends with the filler byte.
payloads = st.lists(st.binary(max_size=60).map(lambda data: data + b"}"), min_size=1, max_size=6)


def written(folder: Path, items: list[bytes]) -> Path:
    path = folder / str(SegmentName(uuid4().hex, KEY_ID, 1))
    path.write_bytes(
        b"".join(segment.pack(number, b"d" * 32, b"s" * 32, item) for number, item in enumerate(items, start=1))
    )
    return path


@given(items=payloads)
def test_it_reads_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, items: list[bytes]) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    entries = list(segment.read(path))
    assert [entry.payload for entry in entries] == items
    assert [entry.sequence for entry in entries] == list(range(1, len(items) + 1))
    assert entries[-1].end == path.stat().st_size


@given(items=payloads)
def test_it_reads_every_whole_entry_of_a_truncated_file(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes]
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    ends = [entry.end for entry in segment.read(path)]
    for length in reversed(range(path.stat().st_size + 1)):
        os.truncate(path, length)
        assert len(list(segment.read(path))) == sum(end <= length for end in ends)


@given(items=payloads, data=st.data())
def test_it_loses_only_the_entry_with_a_changed_byte(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    raw = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    intact = [entry for entry in segment.read(path) if not entry.start <= position < entry.end]
    path.write_bytes(raw)
    assert list(segment.read(path)) == intact


@given(items=payloads, data=st.data())
def test_it_reads_every_whole_entry_around_a_damaged_range(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    raw = path.read_bytes()
    start = data.draw(st.integers(0, len(raw) - 1))
    garbage = data.draw(st.one_of(st.binary(max_size=len(raw)), st.integers(1, len(raw)).map(bytes)))
    damaged = raw[:start] + garbage[: len(raw) - start] + raw[start + len(garbage) :]
    intact = [entry for entry in segment.read(path) if raw[entry.start : entry.end] == damaged[entry.start : entry.end]]
    path.write_bytes(damaged)
    assert list(segment.read(path)) == intact


def test_it_finds_a_distant_next_entry_in_bounded_memory(tmp_path: Path) -> None:
    path = written(tmp_path, [b"a", b"b" * (5 * segment.SCAN_BYTES), b"c"])
    with path.open("r+b") as file:
        file.seek(segment.FRAME + 1)
        file.write(b"\xff" * 4 + bytes(2 * segment.SCAN_BYTES))  # an absurd length, and zeros as after a lost block
    tracemalloc.start()
    entries = list(segment.read(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(entry.sequence, entry.payload) for entry in entries] == [(1, b"a"), (3, b"c")]
    assert peak < 3 * segment.SCAN_BYTES


@given(items=payloads)
def test_it_distinguishes_a_torn_end_from_damage(tmp_path_factory: pytest.TempPathFactory, items: list[bytes]) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    last = list(segment.read(path))[-1]
    raw = bytearray(path.read_bytes())
    raw[last.end - 1] ^= 1
    path.write_bytes(raw)
    assert not segment.is_torn(path, last.start)
    for length in reversed(range(last.start, last.end)):
        os.truncate(path, length)
        assert segment.is_torn(path, last.start)


@given(items=payloads, filler_bytes=st.integers(1, 3 * segment.FRAME))
def test_it_ignores_preallocated_space(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], filler_bytes: int
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    raw, entries = path.read_bytes(), list(segment.read(path))
    last = entries[-1]
    path.write_bytes(raw + segment.FILLER * filler_bytes)
    assert list(segment.read(path)) == entries
    assert segment.written_bytes(path) == len(raw)
    path.write_bytes(raw[: last.start + 20] + segment.FILLER * (len(raw) + filler_bytes))
    assert list(segment.read(path)) == entries[:-1]
    assert segment.is_torn(path, last.start)


def test_it_finds_the_end_of_the_written_part_for_any_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"", b"a", b"a" * segment.BLOCK_BYTES, b"a" * (segment.BLOCK_BYTES + 1)):
        for filler in (0, 1, segment.BLOCK_BYTES, 3 * segment.BLOCK_BYTES - 1):
            path.write_bytes(data + segment.FILLER * filler)
            assert segment.written_bytes(path) == len(data)


def test_it_reads_a_limited_amount_from_an_offset(tmp_path: Path) -> None:
    path = written(tmp_path, [b"a" * 100] * 10)
    first = list(segment.read(path, 0, max_bytes=400))
    rest = list(segment.read(path, first[-1].end))
    assert len(first) == 3
    assert [entry.sequence for entry in first + rest] == list(range(1, 11))


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
