"""A record source whose rows have attachments: a column `files`, as `attachments.descriptors` writes it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from attachments import contents, descriptors, uploads, verification
from attachments.models import PendingUpload
from recording.sources import Received, RecordSource
from recording.verification import Step


class AttachmentSource(RecordSource):
    """Sees to the attachments of its records wherever records are written, read, verified and erased."""

    hidden = ("files",)
    whole_column: ClassVar[str]  # whose text is an attachment of its own where it is large

    def needs_preparation(self, received: Received) -> bool:
        """Where it has attachments."""
        return bool(received.decoded.files)  # type: ignore[attr-defined] # such sources' records have it

    def before_insert(self, received: Sequence[Received]) -> None:
        """Puts attachments into the storage."""
        uploads.put(received)

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Keeps what the storage did not take."""
        uploads.keep(rows)

    def after_dropped(self, received: Sequence[Received]) -> None:
        """Takes out of the storage again what belongs to no row."""
        uploads.remove_dropped(received)

    def before_erase(self, rows: Sequence[Any]) -> None:
        """Attachments go first. Raises `StorageUnavailable`: then nothing is erased."""
        uploads.remove(_listed(rows))

    def on_erase(self, rows: Sequence[Any]) -> None:
        """What waits for the storage."""
        PendingUpload.objects.filter(row__in=[row.pk for row in rows]).delete()

    def after_erase(self, rows: Sequence[Any]) -> None:
        """Once more: a worker may have put one there meanwhile, for a message that came twice."""
        uploads.remove(_listed(rows))

    def lay_in(self, rows: list[Any], hidden: Mapping[UUID, tuple[Any, ...]], *, strictly: bool) -> list[Any]:
        """The rows, with large texts read from the storage."""
        columns = {row_id: files for row_id, (files, *_) in hidden.items() if files}
        if not columns:
            return rows
        found = contents.stored(columns, strictly=strictly)
        return [row._replace(**{self.whole_column: found[row.id]}) if row.id in found else row for row in rows]

    def complete(self, rows: Iterable[Any]) -> Sequence[Any]:
        """The rows, with large texts read from the storage as far as that answers."""
        found = list(rows)
        texts = contents.stored({row.pk: row.files for row in found if row.files}, strictly=False)
        for row in found:
            setattr(row, self.whole_column, texts.get(row.pk, getattr(row, self.whole_column)))
        return found

    def verify_attachments(self) -> Iterator[Step]:
        """Reads every attachment of every row."""
        return verification.verify(self)


def _listed(rows: Sequence[Any]) -> list[descriptors.Attachment]:
    return [attachment for row in rows for attachment in descriptors.read(row.files)]
