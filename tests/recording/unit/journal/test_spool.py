"""Locks and removal of segments, between real processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from recording.journal import Entry, FolderLocked, Spool, Writer, folder_lock, segment
from recording.journal.segment import SegmentName
from recording.seals import Key
from tests.support.system import ROOT

HOLDER = """
import sys, uuid
from pathlib import Path
from recording.journal import Writer, folder_lock
from recording.seals import Key
folder = Path(sys.argv[1])
lock = folder_lock(folder)
key = Key("a key that seals nothing but tests")
writer = Writer(folder, new_origin=uuid.uuid4, key=key, max_bytes=2**20, segment_bytes=2**20)
writer.append(b"held", b"")
print("held", flush=True)
sys.stdin.read()
"""

PARENT_WITH_CHILD = """
import os, sys, uuid
from pathlib import Path
from recording.journal import Writer
from recording.seals import Key
key = Key("a key that seals nothing but tests")
writer = Writer(Path(sys.argv[1]), new_origin=uuid.uuid4, key=key, max_bytes=2**20, segment_bytes=2**20)
writer.append(b"parent", b"")
if os.fork() == 0:
    writer.close()  # as a gateway does in a forked child
    print("held", flush=True)
    sys.stdin.read()  # until the test closes it
else:
    os.wait()
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a script on the folder, and returns its process once it prints `held`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(script: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def test_a_killed_publisher_releases_the_folder_lock(
    tmp_path: Path, run: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    holder = run(HOLDER)
    with pytest.raises(FolderLocked):
        folder_lock(tmp_path)
    holder.kill()
    holder.wait()
    os.close(folder_lock(tmp_path))


def test_a_segment_is_closed_once_its_writer_was_killed(
    tmp_path: Path, run: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    holder = run(HOLDER)
    spool = Spool(tmp_path)
    [name] = spool.segments()
    assert not spool.is_closed(name)
    holder.kill()
    holder.wait()
    assert spool.is_closed(name)
    assert [entry.payload for entry in spool.entries(name)] == [b"held"]


def test_a_forked_child_does_not_keep_its_parents_segment_open(
    tmp_path: Path, run: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    parent = run(PARENT_WITH_CHILD)
    spool = Spool(tmp_path)
    [name] = spool.segments()
    assert not spool.is_closed(name)
    parent.kill()
    parent.wait()
    assert spool.is_closed(name)


def test_it_handles_a_removed_lock_file(tmp_path: Path) -> None:
    first = folder_lock(tmp_path)
    (tmp_path / "publisher.lock").unlink()
    second = folder_lock(tmp_path)
    assert os.fstat(first).st_ino != os.fstat(second).st_ino
    os.close(first)
    os.close(second)


def first_sector(name: SegmentName, start: int) -> bytes:
    """What a power cut leaves of a frame at this offset if only its first sector was written."""
    frame = segment.pack(name, [Entry(2, b"d" * 32, b"s" * 32, b"y" * 2000)])
    return frame[: segment.SECTOR_BYTES - start % segment.SECTOR_BYTES]


@pytest.mark.parametrize(
    ("rest", "is_intact"),
    [(lambda *_: b"", True), (first_sector, True), (lambda *_: bytes(200), False)],
    ids=["nothing", "torn", "damage"],
)
def test_it_removes_read_and_torn_segments_and_keeps_damaged_ones(
    tmp_path: Path, rest: Callable[[SegmentName, int], bytes], is_intact: bool
) -> None:
    spool = Spool(tmp_path)
    writer = Writer(
        tmp_path, new_origin=uuid4, key=Key("a key that seals nothing but tests"), max_bytes=2**20, segment_bytes=2**20
    )
    writer.append(b"x", b"")
    writer.close()
    [name] = spool.segments()
    [frame] = spool.frames(name)
    with (tmp_path / str(name)).open("r+b") as file:
        file.seek(frame.end)
        file.write(rest(name, frame.end))
    assert spool.remove(name, frame.end) == is_intact
    assert spool.segments() == []
    assert [path.suffix for path in tmp_path.iterdir()] == ([] if is_intact else [".damaged"])
