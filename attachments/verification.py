"""Verifies that the files that rows describe are in the storage, byte for byte. Row seals cover their SHA-256."""

from collections.abc import Iterator

from attachments import descriptors, storage
from attachments.descriptors import Attachment
from attachments.models import PendingUpload
from common.keyset import walk
from recording.findings import Finding, Step
from recording.sources import RecordSource


def verify(source: RecordSource) -> Iterator[Step]:
    """Reads every attachment of every row, in chunks; the steps count attachments. Raises `StorageUnavailable`."""
    for row in walk(source.rows.exclude(files="").only("origin", "sequence", "files"), "pk"):
        total, bad = _check_descriptors(row.files)
        detail = f"row {row.pk}: not in the storage as it was sent: {', '.join(bad)}"
        yield Step(total, (Finding("missing", row.origin, row.sequence, row.sequence, detail),) if bad else ())


def _check_descriptors(column: str) -> tuple[int, list[str]]:
    """How many attachments a row has, and the keys of those that are missing or changed."""
    try:
        listed = descriptors.read(column)
    except (ValueError, TypeError):  # somebody changed the row; its seal shows that too
        return 1, ["the row's descriptors"]
    return len(listed), [attachment.key for attachment in listed if not _is_intact(attachment)]


def _is_intact(attachment: Attachment) -> bool:
    """Checks the outbox first: a pending upload is deleted only once it is in the storage."""
    pending = PendingUpload.objects.filter(pk=attachment.key, is_ready=True).first()
    return attachment.matches(bytes(pending.content)) if pending else storage.is_intact(attachment)
