"""Verifies that the attachments which rows describe are there, byte for byte: the seals of rows cover their SHA-256."""

from collections.abc import Iterator

from attachments import descriptors, storage
from attachments.descriptors import Attachment
from attachments.models import PendingUpload
from recording.sources import RecordSource
from recording.verification import AT_ONCE, Finding, Step


def verify(source: RecordSource) -> Iterator[Step]:
    """Reads every attachment of every row, piece by piece; its steps count them. Raises `StorageUnavailable`."""
    rows = source.rows.exclude(files="").order_by("pk")
    for row_id, origin, number, column in rows.values_list("pk", "origin", "sequence", "files").iterator(AT_ONCE):
        total, bad = _looked_at(column)
        detail = f"row {row_id}: not in the storage as it was sent: {', '.join(bad)}"
        yield Step(total, (Finding("missing", origin, number, number, detail),) if bad else ())


def _looked_at(column: str) -> tuple[int, list[str]]:
    """How many attachments a row has, and the keys of those that are gone or changed."""
    try:
        listed = descriptors.read(column)
    except (ValueError, TypeError):  # somebody changed the row, which its seal tells too
        return 1, ["what the row describes"]
    return len(listed), [attachment.key for attachment in listed if not _is_whole(attachment)]


def _is_whole(attachment: Attachment) -> bool:
    """Wherever it is; pending ones are asked first: they leave only once they are in the storage."""
    pending = PendingUpload.objects.filter(pk=attachment.key).first()
    return attachment.is_of(bytes(pending.content)) if pending else storage.is_whole(attachment)
