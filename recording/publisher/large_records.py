"""Large records: each is a batch of its own, and is sent after the small ones, from where it lies in the journal."""

import time
from dataclasses import dataclass

from recording.journal import Entry, Spool
from recording.journal.segment import SegmentName

SECONDS = 1.0  # of work on large records in one step, so that small ones need not wait long
PERMANENT_FAILURES = 4  # a disk error after as many attempts, over a minute, counts as damage
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0  # after one that can't be sent, until it is tried again


@dataclass(eq=False)
class LargeRecord:
    """A record that waits for its turn, without its bytes. `start` is where its frame begins in the segment."""

    segment: SegmentName
    sequence: int
    start: int
    sent_at: float = 0.0  # when it was sent before, in seconds since 1970; 0 for never
    due_at: float = 0.0
    failures: int = 0

    def pass_over(self) -> float:
        """Notes a failure. Returns the seconds until the next attempt."""
        pause = min(FIRST_PAUSE_SECONDS * 2.0**self.failures, LONGEST_PAUSE_SECONDS)
        self.failures += 1
        self.due_at = time.monotonic() + pause
        return pause

    def entry(self, spool: Spool) -> Entry | None:
        """Its entry; None if its frame is damaged by now, or erased. Raises `OSError`: a disk error may pass."""
        frames = spool.frames(self.segment, self.start, max_bytes=1, skip_errors=self.failures >= PERMANENT_FAILURES)
        entries = (entry for frame in frames for entry in frame.entries)
        return next((entry for entry in entries if entry.sequence == self.sequence), None)

    def __str__(self) -> str:
        return f"the large record {self.sequence} of {self.segment}"
