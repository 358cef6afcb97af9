"""`python -m tools.chaos.tamperer SEED RESULT`: tampers with the log at random moments until SIGTERM.

It makes one change at a time, verifies the log, undoes the change exactly, and notes what was not named and what was
invented. A database that is away only delays it. Writes what it found to RESULT.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TypeVar

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ["PGOPTIONS"] = "-c default_transaction_read_only=off"  # nobody's read-only mode stops a tamperer
django.setup()

from django.db import Error, connection  # noqa: E402

from common import broker  # noqa: E402
from recording.backlog import UnreadableSegment  # noqa: E402
from recording.batches import WRITE_RECORDS  # noqa: E402
from recording.findings import Finding  # noqa: E402
from recording.journal import journal_folder  # noqa: E402
from recording.publisher.heads import DamagedHeads  # noqa: E402
from recording.verification import verify  # noqa: E402
from tools.chaos.tampering import TAMPERINGS, Log, Tampering  # noqa: E402

T = TypeVar("T")
PAUSES = (0.2, 2.0)  # seconds between two tamperings
RETRY_SECONDS, MAX_SECONDS = 0.5, 300.0  # while the database or the journal's disk is away
UNAVAILABLE = (Error, OSError, UnreadableSegment, DamagedHeads, broker.BrokerUnavailable)


class Tamperer:
    """Tampers with one log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.made: Counter[str] = Counter()
        self.not_named: list[str] = []
        self.invented: list[str] = []

    def run(self, stop: threading.Event) -> None:
        """Tampers until a stop is requested, at least once, and leaves nothing behind."""
        persistently(self._log.plant)
        for name in _names(self._log.rng):
            if stop.wait(self._log.rng.uniform(*PAUSES)) and self.made:
                break
            self._tamper(name)
        persistently(self._log.clear)

    def _tamper(self, name: str) -> None:
        """Skips a tampering for which there is nothing to choose, or that can't be made now."""
        try:
            self._log.capture()
            tampering = TAMPERINGS[name](self._log)
        except (IndexError, ValueError, *UNAVAILABLE):
            connection.close()
            return
        try:
            self._apply(tampering)
            findings = persistently(self._findings)
        except UNAVAILABLE:
            return
        finally:
            persistently(tampering.undo)
        self.made[name] += 1
        if not tampering.is_named(findings):
            self.not_named.append(f"{name}: {tampering.places}")
        self.invented += [f"{name}: {finding}" for finding in tampering.invented(findings)]

    def _apply(self, tampering: Tampering) -> None:
        try:
            tampering.apply()
            for message in tampering.messages:
                broker.send(WRITE_RECORDS, message, queue=broker.LOGS_QUEUE, shown_as="of the fault campaign")
        except UNAVAILABLE:
            connection.close()
            raise

    def _findings(self) -> list[Finding]:
        return [finding for step in verify(self._log.journal) for finding in step.findings]


def persistently(act: Callable[[], T]) -> T:
    """Repeats `act` until the database and the disk are there. Raises what it raises after `MAX_SECONDS`."""
    ends_at = time.monotonic() + MAX_SECONDS
    while True:
        try:
            return act()
        except UNAVAILABLE:
            connection.close()
            if time.monotonic() > ends_at:
                raise
            time.sleep(RETRY_SECONDS)


def _names(rng: Random) -> Iterator[str]:
    """Yields every tampering once before any is repeated."""
    while True:
        yield from rng.sample(list(TAMPERINGS), len(TAMPERINGS))


def main(seed: int, result: Path) -> None:
    """Tampers until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    tamperer = Tamperer(Log(journal_folder(), Random(seed)))  # noqa: S311 - no security purpose
    tamperer.run(stop)
    found = {"made": tamperer.made, "not named": tamperer.not_named, "invented": tamperer.invented}
    result.write_text(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
