"""`python -m tools.chaos.write_journal FOLDER SECONDS`: many threads append large records to a journal.

Prints how many appends were acknowledged, and how many failed.
"""

import json
import sys
import threading
import time
from itertools import cycle
from pathlib import Path
from uuid import uuid4

from recording.journal import JournalFull, JournalStalled, JournalUnwritable, Writer
from recording.seals import Key

THREADS = 64
SIZES = (20_000, 200_000)  # bytes
MAX_BYTES, SEGMENT_BYTES = 2**30, 4 * 2**20
FULL_SECONDS = 0.05  # to wait for the reader if the journal is full


class Load:
    """The threads, and what became of their appends."""

    def __init__(self, folder: Path, seconds: float) -> None:
        key = Key("a key for this drill alone")
        self._writer = Writer(folder, new_origin=uuid4, key=key, max_bytes=MAX_BYTES, segment_bytes=SEGMENT_BYTES)
        self._ends_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self.acknowledged = self.failed = 0

    def run(self) -> None:
        """Appends until the time is over."""
        threads = [threading.Thread(target=self._append_all) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._writer.close()

    def _append_all(self) -> None:
        payloads = cycle([b"%032d" % size * (size // 32) for size in SIZES])
        while time.monotonic() < self._ends_at:
            self._append(next(payloads))

    def _append(self, payload: bytes) -> None:
        try:
            self._writer.reserve(len(payload))
        except JournalFull:
            time.sleep(FULL_SECONDS)
            return
        try:
            self._writer.append(payload, payload)
            acknowledged = 1
        except (JournalStalled, JournalUnwritable):
            acknowledged = 0
        self._writer.release(len(payload))
        with self._lock:
            self.acknowledged += acknowledged
            self.failed += 1 - acknowledged


if __name__ == "__main__":
    load = Load(Path(sys.argv[1]), float(sys.argv[2]))
    load.run()
    print(json.dumps({"acknowledged": load.acknowledged, "failed": load.failed}))
