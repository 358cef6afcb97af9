"""Compares the journal with the log by seals, before the journal removes its copy.

A gateway that goes on from a snapshot of its machine, with its memory, gives numbers a second time. Their records are
not in the log, although their numbers are settled.
"""

import logging
import socket
from collections.abc import Sequence
from itertools import chain
from uuid import UUID

from common.encryption import UnknownDataKey
from recording import ingestion, sources
from recording.batches import Batch, Numbered
from recording.direct_writes import DirectOrigins
from recording.journal import Entry, Frame, Spool
from recording.journal.segment import SegmentName
from recording.publisher.segment_reader import SegmentReader
from recording.records import BadRecord, SealableRecord, UnsupportedRecord, decrypted
from recording.seals import keyring

log = logging.getLogger(__name__)

CHUNK_BYTES = 4 * 1024 * 1024  # of a segment in memory


def rescue(spool: Spool, reader: SegmentReader) -> bool:
    """Writes the rows of forked records under other numbers: what the segment has, but not the log under its number.

    Only for a segment whose records are settled up to the reader's offset. Looks at each record once. Returns whether
    all have rows now. Raises `OSError`, or Django's database errors.
    """
    while reader.compared < reader.offset:
        chunk = list(spool.frames(reader.name, reader.compared, CHUNK_BYTES))
        try:
            _rescue(reader.name, [frame for frame in chunk if frame.end <= reader.offset and not frame.is_blank])
        except (BadRecord, UnsupportedRecord, UnknownDataKey) as exc:
            log.error("%s stays in place: its numbers are those of other records, and %s", reader.name, exc)
            return False
        reader.compared = min(chunk[-1].end, reader.offset) if chunk else reader.offset
    return True


def _rescue(name: SegmentName, frames: Sequence[Frame]) -> None:
    if not frames:
        return
    stored = ingestion.seals(UUID(name.origin), frames[0].first, frames[-1].last)
    entries = chain.from_iterable(frame.entries for frame in frames)
    forked = [entry for entry in entries if stored.get(entry.sequence, entry.seal) != entry.seal]
    if forked:
        log.error(
            "%s has numbers that other records have: restart the gateway, which went on from a snapshot with its "
            "memory",
            name,
        )
        _write(name, forked)


def _write(name: SegmentName, forked: Sequence[Entry]) -> None:
    """Writes those that are no rows yet: the reader begins again at the start of a segment after a restart."""
    batch = sources.before_publish(Batch.of(UUID(name.origin), socket.gethostname(), name.key_id, forked))
    records = [record for number in batch.records if (record := _without_row(number))]
    if records:
        direct = DirectOrigins(keyring().current)
        direct.write(records)
        direct.end()
        log.error("%d records of %s are rows under other numbers now", len(records), name)


def _without_row(number: Numbered) -> SealableRecord | None:
    """The record, unless it is a row already."""
    source, record = sources.decoded(decrypted(number.payload))
    return None if source.rows.filter(pk=record.id).exists() else record
