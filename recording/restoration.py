"""Restores settled records whose rows are gone, as far as the journal still has them."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from recording import backlog, ingestion
from recording.batches import Batch
from recording.journal import Entry
from recording.journal.segment import SegmentName

# One transaction for each frame would be slower than records arrive, and never reach the end of an open segment.
MAX_ENTRIES, MAX_BYTES = 500, 2**20


def restore(journal: Path) -> Iterator[int]:
    """Writes the journal's records that have neither row nor disposition. Yields how many, for each batch.

    The publisher would write those that are on their way a moment later anyway. Raises `UnreadableSegment`, and what
    `ingestion.write_batch` raises.
    """
    for name, entries in _runs(journal):
        batch = Batch.of(UUID(name.origin), socket.gethostname(), name.key_id, entries)
        yield sum(ingestion.write_batch(batch, is_restoring=True).values())


def _runs(journal: Path) -> Iterator[tuple[SegmentName, list[Entry]]]:
    """Entries of a segment without a gap: what a batch spans counts as settled, and a blanked record may not be."""
    of, run = None, list[Entry]()
    for name, frame in backlog.frames(journal):
        is_next = name == of and run[-1].sequence + 1 == frame.first
        if of and not (is_next and _has_room(run, frame.entries)):
            yield of, run
            run = []
        of = name
        run.extend(frame.entries)
    if of:
        yield of, run


def _has_room(run: list[Entry], more: Sequence[Entry]) -> bool:
    both = [*run, *more]
    return len(both) <= MAX_ENTRIES and sum(len(entry.payload) for entry in both) <= MAX_BYTES
