"""The outbox: the contents of attachments on their way from the journal to the storage.

The publisher moves them here before it sends their record, so they never travel through Redis. The transaction that
writes the row releases them for upload. A quarantined record's contents stay until a retry writes its row.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from attachments import descriptors
from attachments.models import PendingUpload
from common.bulk_insert import insert_new
from common.encryption import UnknownDataKey
from recording import origins
from recording.batches import Numbered
from recording.models import Disposition
from recording.records import BadRecord, UnsupportedRecord, decrypted, encrypted, has_contents, without_contents
from recording.sources import RecordSource

log = logging.getLogger(__name__)

INSERT_ROWS = 100  # in one statement


def move_contents(source: RecordSource, origin: UUID, numbers: Sequence[Numbered]) -> list[Numbered]:
    """Saves the contents in these records, and returns the records without them. Idempotent.

    A record whose contents are not those that it describes keeps them: the worker quarantines it as it is. So does one
    of a version that only a newer worker knows, and one that this process can't decrypt.
    """
    saved: list[PendingUpload] = []
    moved = list(numbers)
    for position, number in enumerate(numbers):
        if has_contents(number.payload):
            try:
                pending, payload = _split(source, origin, number._replace(payload=decrypted(number.payload)))
            except (BadRecord, UnknownDataKey, UnsupportedRecord) as exc:
                log.error("the attachments of record %s of origin %s stay in it: %s", number.sequence, origin, exc)
                continue
            saved += pending
            moved[position] = number._replace(payload=encrypted(payload))
    _insert(saved)
    return moved


def release(rows: Sequence[Any]) -> None:
    """Releases new rows' attachments for upload, in the caller's transaction. Raises `BadRecord` if any is missing.

    A record that no publisher sent, such as one that is written directly, still has the contents itself.
    """
    listed = {row: descriptors.read(row.files) for row in rows if row.files}
    if not listed:
        return
    for row in listed:
        number = row.received.number
        if has_contents(number.payload):
            _insert(_split(row.received.source, row.origin, number)[0])
    ready = PendingUpload.objects.filter(row__in=[row.pk for row in listed]).update(is_ready=True)
    if ready < sum(map(len, listed.values())):
        raise BadRecord("its attachments are not those that were sealed")


def discard_leftovers() -> int:
    """Deletes contents whose record has been settled without needing them. Returns how many.

    A publisher that restarts may save contents again after their row was written, or even erased.
    """
    quarantined = Disposition.objects.filter(
        origin=OuterRef("origin"), sequence=OuterRef("sequence"), kind=Disposition.Kind.QUARANTINED
    )
    unreleased = PendingUpload.objects.filter(~Exists(quarantined), is_ready=False)
    numbers: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    for key, origin, sequence in unreleased.values_list("key", "origin", "sequence"):
        numbers[origin].append((sequence, key))
    heads = origins.find(numbers)  # read last: what they settled is released by now
    settled = {origin: head.settled for origin, head in heads.items() if head.is_genuine}
    keys = [key for origin in settled for sequence, key in numbers[origin] if sequence in settled[origin]]
    return sum(unreleased.filter(pk__in=chunk).delete()[0] for chunk in _chunks(keys))


def _split(source: RecordSource, origin: UUID, number: Numbered) -> tuple[list[PendingUpload], bytes]:
    """A record's outbox rows, and its payload without the contents. Raises `BadRecord` or `UnsupportedRecord`."""
    record: Any = source.decode(number.payload)
    listed = descriptors.read(record.files)
    payload, contents = without_contents(number.payload)
    if len(contents) != len(listed) or not all(map(descriptors.Attachment.matches, listed, contents)):
        raise BadRecord("its attachments are not those that were sealed")
    pending = [
        PendingUpload(key=each.key, row=record.id, origin=origin, sequence=number.sequence, content=content)
        for each, content in zip(listed, contents, strict=True)
    ]
    return pending, payload


def _insert(pending: Sequence[PendingUpload]) -> None:
    for chunk in _chunks(pending):
        insert_new(chunk, ["key"])


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + INSERT_ROWS] for start in range(0, len(items), INSERT_ROWS))
