"""A record source whose rows have attachments, described in a column `files` (see `attachments.descriptors`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from attachments import contents, descriptors, outbox, storage, uploads, verification
from attachments.exceptions import NoSuchFile, StorageUnavailable
from attachments.models import PendingUpload
from common.keyset import walk
from common.row_scope import EVERYTHING
from recording.batches import Numbered
from recording.findings import Step
from recording.sources import RecordSource


class AttachmentSource(RecordSource):
    """Handles attachments when records are written, read, verified and erased."""

    hidden = ("files",)
    whole_column: ClassVar[str]  # the column whose text becomes an attachment if it is large

    def before_publish(self, origin: UUID, numbers: Sequence[Numbered]) -> Sequence[Numbered]:
        """Moves the contents of attachments to the outbox, so that they need not travel with the records."""
        return outbox.move_contents(self, origin, numbers)

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Releases the attachments for upload."""
        outbox.release(rows)

    def before_erase(self, rows: Sequence[Any]) -> None:
        """Removes the attachments first. Raises `StorageUnavailable`: then nothing is erased."""
        uploads.remove(_listed(rows))

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Removes attachments that wait for upload."""
        PendingUpload.objects.filter(row__in=[row.pk for row in rows]).delete()

    def after_erase(self, rows: Sequence[Any]) -> None:
        """Removes the attachments again: a worker may have uploaded one meanwhile."""
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

    def files_of(self, row_ids: Sequence[UUID], faults: list[str]) -> Iterator[tuple[str, bytes]]:
        """The attachments, under their keys in the storage."""
        for row_id, column in self.rows.filter(pk__in=row_ids).exclude(files="").values_list("pk", "files"):
            for number, attachment in enumerate(descriptors.read(column)):
                try:
                    yield attachment.key, contents.content(self, row_id, number, EVERYTHING)[1]
                except (NoSuchFile, StorageUnavailable) as exc:
                    faults.append(f"{attachment.key}: {exc.detail}")

    def verify_attachments(self) -> Iterator[Step]:
        """Reads every attachment of every row."""
        return verification.verify(self)

    def encrypt_files(self) -> Iterator[bool]:
        """Encrypts every attachment of every row. Raises `StorageUnavailable` or `UnknownDataKey`."""
        for row in self._rows_with_files():
            for attachment in descriptors.read(row.files):
                is_new = storage.encrypt(attachment)
                if is_new and not self.rows.filter(pk=row.pk).exists():  # it was erased meanwhile
                    storage.remove(attachment.key)
                yield is_new

    def keys_of_files(self) -> Iterator[str]:
        """Raises `StorageUnavailable`."""
        for row in self._rows_with_files():
            keys = map(storage.data_key_of, descriptors.read(row.files))
            yield from (key for key in keys if key is not None)

    def _rows_with_files(self) -> Iterator[Any]:
        return walk(self.rows.exclude(files="").only("files"), "pk")


def _listed(rows: Sequence[Any]) -> list[descriptors.Attachment]:
    return [attachment for row in rows for attachment in descriptors.read(row.files)]
