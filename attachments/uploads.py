"""Uploads records' attachments to the storage, and removes them.

A worker uploads them before it writes the row. If the storage is down, they are written to an outbox together with the
row and uploaded later. So no record waits for the storage, and none loses its attachments.
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

MAX_UPLOADS = 20  # attachments in one run of the periodic task
STORED = "stored attachments"  # a key of `Received.notes`: the storage keys that were uploaded


def put(received: Iterable[Received]) -> None:
    """Uploads records' attachments, and notes the uploaded keys on each record. Stops at the first failure."""
    try:
        for each in received:
            each.notes[STORED] = set()
            for attachment, content in _contents(each):
                storage.put(attachment.key, content)
                each.notes[STORED].add(attachment.key)
    except StorageUnavailable as exc:
        log.warning("attachments are saved with their rows, to be uploaded later: %s", exc.detail)


def store_pending(rows: Sequence[SealedRow]) -> None:
    """Saves new rows' attachments that were not uploaded, in the caller's transaction.

    Raises `BadRecord` if they do not match the record's descriptors.
    """
    for row in rows:
        if row.received is not None and row.files:  # type: ignore[attr-defined] # rows of such sources have `files`
            _store_pending(row, row.received)


def upload_pending() -> int:
    """Uploads pending attachments, the oldest first. Returns how many."""
    keys = list(PendingUpload.objects.order_by("created_at").values_list("key", flat=True)[:MAX_UPLOADS])
    try:
        return sum(map(_upload, keys))
    except StorageUnavailable as exc:
        log.warning("%d attachments still wait for the storage: %s", PendingUpload.objects.count(), exc.detail)
        return 0


def remove(listed: Iterable[Attachment]) -> None:
    """Removes attachments from the storage; missing ones are ignored. Raises `StorageUnavailable`."""
    for attachment in listed:
        storage.remove(attachment.key)


def remove_discarded(received: Iterable[Received]) -> None:
    """Removes attachments that were uploaded for records that were erased meanwhile."""
    try:
        for each in received:
            remove(attachment for attachment, _ in _contents(each))
    except StorageUnavailable as exc:
        log.error("attachments of an erased record may be left in the storage: %s", exc.detail)


def _store_pending(row: SealedRow, received: Received) -> None:
    listed = descriptors.read(row.files)  # type: ignore[attr-defined]
    stored = received.notes.get(STORED, set())
    if all(attachment.key in stored for attachment in listed):
        return
    missing = [pair for pair in _pairs(received, listed) if pair[0].key not in stored]
    PendingUpload.objects.bulk_create(
        PendingUpload(key=attachment.key, row=row.id, content=content) for attachment, content in missing
    )


def _contents(received: Received) -> list[tuple[Attachment, bytes]]:
    """Attachments with their contents; empty if these do not match, since the record will be quarantined."""
    try:
        return _pairs(received, descriptors.read(received.decoded.files))  # type: ignore[attr-defined]
    except BadRecord:
        return []


def _pairs(received: Received, listed: Sequence[Attachment]) -> list[tuple[Attachment, bytes]]:
    contents = contents_of(received.number.payload)
    if len(contents) != len(listed) or not all(map(Attachment.matches, listed, contents)):
        raise BadRecord("its attachments are not those that were sealed")
    return list(zip(listed, contents, strict=True))


def _upload(key: str) -> bool:
    """Uploads one attachment. If its row was erased meanwhile, removes the uploaded file again."""
    pending = PendingUpload.objects.filter(pk=key).first()
    if pending is None:
        return False
    storage.put(key, bytes(pending.content))
    uploaded = bool(PendingUpload.objects.filter(pk=key).delete()[0])
    if not uploaded and not any(source.rows.filter(pk=pending.row).exists() for source in sources.registered()):
        storage.remove(key)
    return uploaded
