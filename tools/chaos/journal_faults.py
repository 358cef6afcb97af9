"""The faults of the journal: its folder, its disk and its files."""

import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from uuid import UUID

import psutil

from common.file_locks import is_released
from common.number_set import NumberSet
from recording.journal import segment
from recording.journal.segment import Frame, SegmentName
from tests.support.processes import frozen
from tests.support.wait import until
from tools.chaos.disk import Disk
from tools.chaos.fault import fault
from tools.chaos.testbed import JOURNAL_BYTES, Testbed

FIND_SECONDS = 60.0  # until there is a settled frame
FLIPPED = "flipped"  # the file with the names of the segments that have a flipped bit


@fault("the journal's quota filled", "journal")
def fill_journal(testbed: Testbed, seconds: float) -> None:
    """A file beside the segments uses the whole quota."""
    ballast = testbed.journal / "ballast"
    with ballast.open("wb") as file:
        file.truncate(JOURNAL_BYTES)
    testbed.wait(seconds)
    ballast.unlink()


@fault("the journal's disk refuses", "journal")
def refuse_journal(testbed: Testbed, seconds: float) -> None:
    """Gateway and publisher can't write to any file. With PostgreSQL, the gateway then writes rows directly."""
    _soft, hard = own = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        _limit_files(testbed, (0, hard))
        testbed.wait(seconds)
    finally:
        _limit_files(testbed, own)  # new processes have inherited the limit


@fault("the journal's disk full", "journal", "disk")
def fill_disk(testbed: Testbed, seconds: float) -> None:
    """ENOSPC, though the journal is below its quota."""
    with _disk(testbed).full():
        testbed.wait(seconds)


@fault("the journal's disk fails", "journal", "disk")
def fail_disk(testbed: Testbed, seconds: float) -> None:
    """EIO for every write to a file."""
    with _disk(testbed).failing():
        testbed.wait(seconds)


@fault("the journal's disk hangs", "journal", "disk")
def hang_disk(testbed: Testbed, seconds: float) -> None:
    """Every write waits; those that wait too long are answered with a 503."""
    with _disk(testbed).hanging():
        testbed.wait(seconds)


@fault("a bit flips in a closed segment", "publisher")
def flip_bit(testbed: Testbed, seconds: float) -> None:
    """In a frame whose records are all rows. The next publisher finds it, and must publish the other frames."""
    rng = Random(seconds)  # noqa: S311 - the plan's seed chose the seconds
    until(lambda: _settled_frames(testbed), seconds=FIND_SECONDS, what="a segment with rows")
    with frozen(testbed.family("publisher")):  # or else it would remove the segment
        testbed.kill("web")  # closes all segments
        found = until(lambda: _settled_frames(testbed, is_released), seconds=FIND_SECONDS, what="a closed segment")
        path, frame = rng.choice(found)
        with (testbed.system.folder / FLIPPED).open("a") as file:
            file.write(f"{path.name}\n")
        flip(path, rng.randrange(8 * frame.start, 8 * frame.end))
        testbed.kill("publisher")


def _settled_frames(testbed: Testbed, matches: Callable[[Path], bool] = Path.exists) -> list[tuple[Path, Frame]]:
    """The frames of matching segments whose records are all rows."""
    settled = {
        UUID(str(origin)): NumberSet.parse(text)
        for origin, text in testbed.database.query("SELECT CAST(id AS TEXT), settled FROM recording_origin")
    }
    paths = [path for path in testbed.journal.glob(f"*{segment.SUFFIX}") if matches(path)]
    return [(path, frame) for path in paths for frame in segment.frames(path) if _is_settled(path, frame, settled)]


def _is_settled(path: Path, frame: Frame, settled: dict[UUID, NumberSet]) -> bool:
    name = SegmentName.of(path)
    numbers = settled.get(UUID(name.origin)) if name else None
    return numbers is not None and not NumberSet([(frame.first, frame.last)]) - numbers


def flip(path: Path, bit: int) -> None:
    """Flips one bit of a file."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        [byte] = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def _limit_files(testbed: Testbed, limit: tuple[int, int]) -> None:
    for process in (*testbed.family("web"), *testbed.family("publisher")):
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_FSIZE, limit)


def _disk(testbed: Testbed) -> Disk:
    assert testbed.disk is not None  # noqa: S101 - the plan respects `needs`
    return testbed.disk
