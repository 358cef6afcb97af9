"""The reader that polls a journal, and the drill that uses it."""

from argparse import Namespace
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from recording.journal import Spool, Writer
from recording.seals import Key
from tools.chaos import testbed
from tools.chaos.databases import open_database
from tools.chaos.reader import read
from tools.chaos.scenarios import SCENARIOS


def test_a_reader_sees_whole_frames_and_each_gap(tmp_path: Path) -> None:
    writer = Writer(tmp_path, new_origin=uuid4, key=Key("k"), max_bytes=2**30, segment_bytes=2**20)
    for number in range(5):
        writer.append(b"%d" % number * 100, b"")
    writer.close()
    [name] = Spool(tmp_path).segments()
    whole = read(tmp_path, name)
    assert [frame.first for frame in whole.frames] == [1, 2, 3, 4, 5]
    assert (whole.end, whole.gaps) == (whole.frames[-1].end, [])
    flip(tmp_path / str(name), whole.frames[2].start)
    start, end = whole.frames[2][:2]
    assert read(tmp_path, name).gaps == [f"{name}: bytes {start}-{end}", f"{name}: numbers 3-3"]
    flip(tmp_path / str(name), whole.frames[2].start)
    assert read(tmp_path, name) == whole


def flip(path: Path, offset: int) -> None:
    """Flips the bits of one byte."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def test_the_drill_of_the_journal_loses_nothing(tmp_path: Path) -> None:
    with closing(open_database("sqlite", tmp_path)) as database, closing(testbed.Testbed(tmp_path, database)) as made:
        figures = SCENARIOS["journal"](made, Namespace(seconds=0.5))
    assert figures["kept"], figures
    assert figures["read"] == figures["acknowledged"] > 0
