"""A record source whose rows have attachments, described in a column `files` (see `attachments.descriptors`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from attachments import contents, descriptors, uploads, verification
from attachments.models import PendingUpload
from recording.sources import Received, RecordSource
from recording.verification import Step


class AttachmentSource(RecordSource):
    """Handles attachments when records are written, read, verified and erased."""

    hidden = ("files",)
    whole_column: ClassVar[str]  # the column whose text becomes an attachment if it is large

    def needs_preparation(self, received: Received) -> bool:
        """Whether it has attachments."""
        return bool(received.decoded.files)  # type: ignore[attr-defined] # records of such sources have `files`

    def before_insert(self, received: Sequence[Received]) -> None:
        """Uploads attachments to the storage."""
        uploads.put(received)

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Saves attachments that could not be uploaded."""
        uploads.store_pending(rows)

    def after_discard(self, received: Sequence[Received]) -> None:
        """Removes attachments of erased records from the storage."""
        uploads.remove_discarded(received)

    def before_erase(self, rows: Sequence[Any]) -> None:
        """Removes the attachments first. Raises `StorageUnavailable`: then nothing is erased."""
        uploads.remove(_listed(rows))

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Removes attachments that wait for upload."""
        PendingUpload.objects.filter(row__in=[row.pk for row in rows]).delete()

    def after_erase(self, rows: Sequence[Any]) -> None:
        """Removes the attachments again: a worker may have uploaded one meanwhile, for a redelivered message."""
        uploads.remove(_listed(rows))

    def with_stored_texts(self, rows: list[Any], hidden: Mapping[UUID, tuple[Any, ...]], *, strict: bool) -> list[Any]:
        """The rows, with large texts read from the storage."""
        columns = {row_id: files for row_id, (files, *_) in hidden.items() if files}
        if not columns:
            return rows
        texts = contents.stored_texts(columns, strict=strict)
        return [row._replace(**{self.whole_column: texts[row.id]}) if row.id in texts else row for row in rows]

    def load_stored_texts(self, rows: Iterable[Any]) -> Sequence[Any]:
        """The rows, with large texts read from the storage as far as they are available."""
        instances = list(rows)
        texts = contents.stored_texts({row.pk: row.files for row in instances if row.files}, strict=False)
        for row in instances:
            setattr(row, self.whole_column, texts.get(row.pk, getattr(row, self.whole_column)))
        return instances

    def verify_attachments(self) -> Iterator[Step]:
        """Reads every attachment of every row."""
        return verification.verify(self)


def _listed(rows: Sequence[Any]) -> list[descriptors.Attachment]:
    return [attachment for row in rows for attachment in descriptors.read(row.files)]
