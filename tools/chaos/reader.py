"""`python -m tools.chaos.reader JOURNAL RESULT DAMAGED`: reads the journal without a pause until SIGTERM.

It reads each segment from its start, again and again, while gateways write to it: every frame must be whole, and follow
the one before it. Segments that the file DAMAGED names are exempt. Writes what it found to RESULT.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from recording.journal import Spool, segment
from recording.journal.segment import ALL, Frame, SegmentName

MAX_SHOWN = 20  # gaps
NICENESS = 19  # it must not take the processor from those that it watches


class Reading(NamedTuple):
    """What one reading of a segment found: whole frames, how far they reach, and gaps before them."""

    frames: list[Frame]
    end: int  # bytes
    gaps: list[str]


def read(folder: Path, name: SegmentName) -> Reading:
    """Reads a segment from its start. Raises `OSError`."""
    found = list(segment.frames(folder / str(name), max_bytes=ALL, skip_errors=False))
    return Reading(found, found[-1].end if found else 0, [f"{name}: {gap}" for gap in _gaps(found)])


def _gaps(frames: list[Frame]) -> Iterator[str]:
    end, last = 0, 0
    for frame in frames:
        if frame.start != end:
            yield f"bytes {end}-{frame.start}"
        if last and frame.first != last + 1:
            yield f"numbers {last + 1}-{frame.first - 1}"
        end, last = frame.end, frame.last


def main(journal: Path, result: Path, damaged: Path) -> None:
    """Polls until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    os.nice(NICENESS)
    polls, refused, frames, gaps = 0, 0, 0, list[str]()
    while not stop.is_set():
        polls += 1
        for name in _segments(journal):
            try:
                reading = read(journal, name)
            except FileNotFoundError:  # removed: its records are rows
                continue
            except OSError:  # a fault makes the disk fail
                refused += 1
                continue
            frames += len(reading.frames)
            if reading.gaps and not _names(damaged, name):
                gaps += reading.gaps
    found = {"polls": polls, "refused": refused, "frames": frames, "gaps": len(gaps), "first gaps": gaps[:MAX_SHOWN]}
    result.write_text(json.dumps(found))


def _segments(journal: Path) -> list[SegmentName]:
    """The segments; none if the disk fails just now, for which ext4 has several error numbers."""
    try:
        return Spool(journal).segments()
    except OSError:
        return []


def _names(damaged: Path, name: SegmentName) -> bool:
    return damaged.exists() and str(name) in damaged.read_text().splitlines()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
