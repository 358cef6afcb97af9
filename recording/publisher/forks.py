"""Forks: a gateway that goes on from a snapshot of its machine, with its memory, gives numbers a second time.

The records of these numbers are not in the log, although their numbers are settled. The seal of a segment's last record
shows it, since each seal covers the one before it.
"""

import logging
import socket
from uuid import UUID

from common.encryption import UnknownDataKey
from recording import ingestion, sources
from recording.batches import Batch, Numbered
from recording.direct_writes import DirectOrigins
from recording.journal import Frame, Spool
from recording.journal.segment import SegmentName
from recording.publisher.segment_reader import SegmentReader
from recording.records import BadRecord, SealableRecord, UnsupportedRecord, decrypted
from recording.seals import keyring

log = logging.getLogger(__name__)


def rescue(spool: Spool, reader: SegmentReader) -> bool:
    """Writes the rows of a confirmed segment's forked records under other numbers. Returns whether all have rows now.

    Raises `OSError`, or Django's database errors.
    """
    origin = UUID(reader.name.origin)
    stored = ingestion.seals(origin, reader.last, reader.last).get(reader.last)
    if not reader.last_seal or stored in (None, reader.last_seal):
        return True
    try:
        written = sum(_rescue(reader.name, frame) for frame in spool.frames(reader.name) if frame.start < reader.offset)
    except (BadRecord, UnsupportedRecord, UnknownDataKey) as exc:
        log.error("%s stays in place: its numbers are those of other records, and %s", reader.name, exc)
        return False
    if written:
        log.error(
            "%s has numbers that other records have: restart the gateway, which went on from a snapshot with its "
            "memory. %d records are rows under other numbers now",
            reader.name,
            written,
        )
    return True


def _rescue(name: SegmentName, frame: Frame) -> int:
    origin = UUID(name.origin)
    stored = ingestion.seals(origin, frame.first, frame.last)
    forked = [entry for entry in frame.entries if stored.get(entry.sequence, entry.seal) != entry.seal]
    if not forked:
        return 0
    batch = sources.before_publish(Batch.of(origin, socket.gethostname(), name.key_id, forked))
    records = [record for number in batch.records if (record := _without_row(number))]
    if records:
        direct = DirectOrigins(keyring().current)
        direct.write(records)
        direct.end()
    return len(records)


def _without_row(number: Numbered) -> SealableRecord | None:
    """The record, unless it is a row already."""
    source, record = sources.decoded(decrypted(number.payload))
    return None if source.rows.filter(pk=record.id).exists() else record
