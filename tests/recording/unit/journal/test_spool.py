"""Locks and forgetting, between real processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from recording.journal import Spool, Unlockable, Writer, folder_lock
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

PARENT_OF_ONE = """
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
    """Runs a script on the folder, up to where it prints `held`, in a process group of its own."""
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


def test_it_has_one_publisher_and_another_once_that_one_was_killed(
    tmp_path: Path, run: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    holder = run(HOLDER)
    with pytest.raises(Unlockable):
        folder_lock(tmp_path)
    holder.kill()
    holder.wait()
    os.close(folder_lock(tmp_path))


def test_it_knows_a_segment_that_is_written_from_one_whose_writer_was_killed(
    tmp_path: Path, run: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    holder = run(HOLDER)
    spool = Spool(tmp_path)
    [name] = spool.segments()
    assert not spool.is_over(name)
    holder.kill()
    holder.wait()
    assert spool.is_over(name)
    assert [entry.payload for entry in spool.read(name, 0, 100)] == [b"held"]


def test_it_sees_that_a_parent_died_though_its_child_lives(
    tmp_path: Path, run: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    parent = run(PARENT_OF_ONE)
    spool = Spool(tmp_path)
    [name] = spool.segments()
    assert not spool.is_over(name)
    parent.kill()
    parent.wait()
    assert spool.is_over(name)


def test_it_is_not_fooled_by_a_lock_file_that_was_removed(tmp_path: Path) -> None:
    first = folder_lock(tmp_path)
    (tmp_path / "publisher.lock").unlink()
    second = folder_lock(tmp_path)
    assert os.fstat(first).st_ino != os.fstat(second).st_ino
    os.close(first)
    os.close(second)


@pytest.mark.parametrize(("rest", "sound"), [(b"", True), (b"torn", True), (bytes(200), False)])
def test_it_forgets_what_was_read_and_a_torn_end_and_sets_aside_what_is_damaged(
    tmp_path: Path, rest: bytes, sound: bool
) -> None:
    spool = Spool(tmp_path)
    writer = Writer(
        tmp_path, new_origin=uuid4, key=Key("a key that seals nothing but tests"), max_bytes=2**20, segment_bytes=2**20
    )
    writer.append(b"x", b"")
    writer.close()
    [name] = spool.segments()
    [entry] = spool.read(name, 0, 100)
    with (tmp_path / str(name)).open("r+b") as file:
        file.seek(entry.end)
        file.write(rest)
    assert spool.forget(name, entry.end) == sound
    assert spool.segments() == []
    assert [path.suffix for path in tmp_path.iterdir()] == ([] if sound else [".damaged"])
