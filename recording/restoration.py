"""Restores settled records whose rows are gone, as far as the journal still has them."""

import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from recording import backlog, ingestion
from recording.batches import Batch


def restore(journal: Path) -> Iterator[int]:
    """Writes the journal's records that have neither row nor disposition. Yields how many, for each frame.

    The publisher would write those that are on their way a moment later anyway. Raises `UnreadableSegment`, and what
    `ingestion.write_batch` raises.
    """
    for name, frame in backlog.frames(journal):
        batch = Batch.of(UUID(name.origin), socket.gethostname(), name.key_id, frame.entries)
        yield sum(ingestion.write_batch(batch, is_restoring=True).values())
