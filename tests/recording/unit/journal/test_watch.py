"""A watch reports changes of segments by any process, and of no other files."""

import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recording.journal import watch
from recording.journal.watch import Watch

LONG = 20.0  # seconds; no test waits that long

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify exists only on Linux")


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """A segment that exists before the watch begins."""
    path = tmp_path / "a.segment"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def watching(segment: Path) -> Iterator[Watch]:
    with Watch(segment.parent) as made:
        yield made


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def timed(watching: Watch, seconds: float) -> tuple[bool, float]:
    began = time.monotonic()
    return watching.wait(seconds), time.monotonic() - began


@linux
def test_it_reports_a_write_by_another_process(watching: Watch, segment: Path) -> None:
    code = "import sys, time; time.sleep(0.2); open(sys.argv[1], 'ab').write(b'more')"
    writer = subprocess.Popen([sys.executable, "-c", code, str(segment)])
    has_changed, seconds = timed(watching, LONG)
    writer.wait()
    assert has_changed
    assert 0.2 <= seconds < LONG


@linux
@pytest.mark.parametrize("what", ["written", "created", "closed"])
def test_it_reports_a_change_before_the_wait(watching: Watch, segment: Path, what: str) -> None:
    if what == "written":
        append(segment)
    elif what == "created":
        (segment.parent / "draft").touch()
        watching.clear()
        (segment.parent / "draft").rename(segment.with_name("b.segment"))
    else:
        os.close(os.open(segment, os.O_WRONLY))
    assert watching.wait(LONG)


@linux
def test_it_reports_many_writes_once(watching: Watch, segment: Path) -> None:
    for _ in range(1000):
        append(segment)
    assert watching.wait(LONG)
    assert not watching.wait(0)


@linux
def test_it_ignores_other_files_reads_and_removals(watching: Watch, segment: Path) -> None:
    append(segment.with_name("progress.json"))
    segment.with_name("progress.json").rename(segment.with_name("heads.json"))
    segment.read_bytes()
    os.utime(segment)
    segment.unlink()
    has_changed, seconds = timed(watching, 0.1)
    assert not has_changed
    assert seconds >= 0.1, "a change of another file ended the wait"


def test_clear_drops_pending_changes(watching: Watch, segment: Path) -> None:
    append(segment)
    watching.clear()
    assert not watching.clear()


@linux
@pytest.mark.usefixtures("small_queue")
def test_it_reports_a_queue_overflow(watching: Watch, segment: Path) -> None:
    assert watching.wait(LONG)


@pytest.fixture
def small_queue(segment: Path, watching: Watch) -> None:
    """More events than the kernel queues, none of them for a segment."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    others = [open(segment.with_name(name), "wb", buffering=0) for name in "xy"]  # noqa: SIM115 - closed below
    for number in range(most + 1):  # in turn, since the kernel merges equal events
        others[number % 2].write(b".")
    for other in others:
        other.close()


@pytest.mark.parametrize("can_watch", [True, False])
def test_a_descriptor_ends_a_wait(segment: Path, monkeypatch: pytest.MonkeyPatch, can_watch: bool) -> None:
    if not can_watch:
        monkeypatch.setattr(watch, "_watch", _refused)
    monkeypatch.setattr(watch, "POLL_SECONDS", LONG)
    reader, writer = os.pipe()
    with Watch(segment.parent, interrupt=reader) as watching:
        threading.Timer(0.1, os.write, (writer, b".")).start()
        has_changed, seconds = timed(watching, LONG)
        assert not has_changed
        assert seconds < LONG
        append(segment)
        assert watching.wait(LONG) == can_watch, "changes are reported although the descriptor is ready"
    os.close(reader)
    os.close(writer)


def _refused(_folder: Path) -> int:
    raise OSError(28, "No space left on device")


def test_it_polls_without_a_kernel_watch_and_warns_once(
    segment: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch, "_watch", _refused)
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.05)
    with Watch(segment.parent) as watching:
        has_changed, seconds = timed(watching, LONG)
        assert has_changed
        assert 0.05 <= seconds < LONG
        assert watching.wait(0.01)
        assert not watching.clear()
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
    assert line == "the journal's folder can't be watched (No space left on device): it is read every 0.05 s instead"


def test_it_warns_on_a_system_without_inotify(
    segment: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    Watch(segment.parent).close()
    assert "no inotify on this system" in caplog.text


@linux
def test_it_requires_a_folder(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    with pytest.raises(FileNotFoundError):
        Watch(tmp_path / "none")
    assert psutil.Process().num_fds() == before


@linux
def test_it_reports_that_its_folder_was_removed(watching: Watch, segment: Path) -> None:
    segment.unlink()
    segment.parent.rmdir()
    assert watching.wait(LONG)


@linux
def test_it_is_not_inheritable_and_closes_its_descriptor(segment: Path) -> None:
    before = psutil.Process().num_fds()
    with Watch(segment.parent):
        [added] = [name for name in os.listdir("/proc/self/fd") if _is_inotify(name)]
        assert not os.get_inheritable(int(added))
    assert psutil.Process().num_fds() == before


def _is_inotify(descriptor: str) -> bool:
    try:
        return "inotify" in os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return False


@linux
def test_waiting_takes_no_processor_time(watching: Watch) -> None:
    before = time.process_time()
    assert not watching.wait(0.5)
    assert time.process_time() - before < 0.1
