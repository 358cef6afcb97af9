"""Brings records' attachments to the storage, and takes them out of it again.

They are put there before the row is written. What the storage does not take is written with the row and uploaded later:
so no record waits for the storage, and none loses its attachments.
"""

import logging
from collections.abc import Iterable, Sequence

from attachments import descriptors, storage
from attachments.descriptors import Attachment
from attachments.exceptions import StorageUnavailable
from attachments.models import PendingUpload
from recording import sources
from recording.models import SealedRow
from recording.records import BadRecord, contents_of
from recording.sources import Received

log = logging.getLogger(__name__)

AT_ONCE = 20  # attachments, by one run of the periodic task
STORED = "stored attachments"  # the note on a received record: keys that the storage took


def put(received: Iterable[Received]) -> None:
    """Puts records' attachments into the storage, and notes on each which ones it took; a first failure ends it."""
    try:
        for each in received:
            each.notes[STORED] = set()
            for attachment, content in _contents(each):
                storage.put(attachment.key, content)
                each.notes[STORED].add(attachment.key)
    except StorageUnavailable as exc:
        log.warning("attachments are written with their rows, and uploaded later: %s", exc.detail)


def keep(rows: Sequence[SealedRow]) -> None:
    """Writes those of new rows' attachments that the storage has not taken, in the caller's transaction.

    Raises `BadRecord` where they are not those that the record describes.
    """
    for row in rows:
        if row.received is not None and row.files:  # type: ignore[attr-defined] # such sources' rows have it
            _keep(row, row.received)


def upload_pending() -> int:
    """Uploads what the storage did not take before, the oldest first; gives how many."""
    keys = list(PendingUpload.objects.order_by("created_at").values_list("key", flat=True)[:AT_ONCE])
    try:
        return sum(map(_upload, keys))
    except StorageUnavailable as exc:
        log.warning("%d attachments still wait for the storage: %s", PendingUpload.objects.count(), exc.detail)
        return 0


def remove(listed: Iterable[Attachment]) -> None:
    """Removes attachments from the storage, those too that are not there. Raises `StorageUnavailable`."""
    for attachment in listed:
        storage.remove(attachment.key)


def remove_dropped(received: Iterable[Received]) -> None:
    """Removes attachments that were put there for records which were erased in that very moment."""
    try:
        for each in received:
            remove(attachment for attachment, _ in _contents(each))
    except StorageUnavailable as exc:
        log.error("attachments of an erased record may be left in the storage: %s", exc.detail)


def _keep(row: SealedRow, received: Received) -> None:
    listed = descriptors.read(row.files)  # type: ignore[attr-defined]
    stored = received.notes.get(STORED, set())
    if all(attachment.key in stored for attachment in listed):
        return
    lacking = [pair for pair in _pairs(received, listed) if pair[0].key not in stored]
    PendingUpload.objects.bulk_create(
        PendingUpload(key=attachment.key, row=row.id, content=content) for attachment, content in lacking
    )


def _contents(received: Received) -> list[tuple[Attachment, bytes]]:
    """None where they are not those that were sealed: the record is about to be quarantined."""
    try:
        return _pairs(received, descriptors.read(received.decoded.files))  # type: ignore[attr-defined]
    except BadRecord:
        return []


def _pairs(received: Received, listed: Sequence[Attachment]) -> list[tuple[Attachment, bytes]]:
    contents = contents_of(received.number.payload)
    if len(contents) != len(listed) or not all(map(Attachment.is_of, listed, contents)):
        raise BadRecord("its attachments are not those that were sealed")
    return list(zip(listed, contents, strict=True))


def _upload(key: str) -> bool:
    """One. Where it was no longer pending at the end its row may have been erased, and it must not stay."""
    pending = PendingUpload.objects.filter(pk=key).first()
    if pending is None:
        return False
    storage.put(key, bytes(pending.content))
    uploaded = bool(PendingUpload.objects.filter(pk=key).delete()[0])
    if not uploaded and not any(source.rows.filter(pk=pending.row).exists() for source in sources.registered()):
        storage.remove(key)
    return uploaded
