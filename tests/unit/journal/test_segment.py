"""The file: what was written whole is read back, wherever it is cut or damaged."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_proxy.journal import segment
from ml_proxy.journal.segment import SegmentName

KEY_ID = "0123456789abcdef"
payloads = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


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
def test_it_keeps_every_whole_entry_wherever_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes]
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    ends = [entry.end for entry in segment.read(path)]
    for length in reversed(range(path.stat().st_size + 1)):
        os.truncate(path, length)
        assert len(list(segment.read(path))) == sum(end <= length for end in ends)


@given(items=payloads, data=st.data())
def test_it_stops_at_a_changed_byte_and_never_gives_a_changed_entry(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), items)
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    ends = [entry.end for entry in segment.read(path)]
    path.write_bytes(raw)
    assert [entry.payload for entry in segment.read(path)] == items[: sum(end <= place for end in ends)]


def test_it_goes_on_from_an_offset_and_reads_about_as_much_as_asked(tmp_path: Path) -> None:
    path = written(tmp_path, [b"a" * 100] * 10)
    first = list(segment.read(path, 0, most_bytes=400))
    rest = list(segment.read(path, first[-1].end))
    assert len(first) == 3
    assert [entry.sequence for entry in first + rest] == list(range(1, 11))


def test_it_makes_a_segment_private_and_under_its_final_name_alone(tmp_path: Path) -> None:
    name = SegmentName(uuid4().hex, KEY_ID, 3)
    descriptor = segment.create(tmp_path, name)
    assert [path.name for path in tmp_path.iterdir()] == [str(name)]
    assert (tmp_path / str(name)).stat().st_mode & 0o777 == 0o600
    os.close(descriptor)


def test_it_tells_segments_from_other_files() -> None:
    name = SegmentName(uuid4().hex, KEY_ID, 12)
    assert SegmentName.of(Path(str(name))) == name
    for other in ("publisher.lock", f"{name}.draft", f"{name.origin}-{KEY_ID}-1.segment", "x.damaged"):
        assert SegmentName.of(Path(other)) is None
