"""Reads attachments: large texts for history and exports, and single files for their links."""

import logging
from collections.abc import Collection, Mapping
from uuid import UUID

from attachments import descriptors, storage
from attachments.descriptors import Attachment
from attachments.exceptions import NoSuchFile, StorageUnavailable
from attachments.models import PendingUpload
from common.row_scope import Scope
from recording.sources import RecordSource

log = logging.getLogger(__name__)


def stored_texts(columns: Mapping[UUID, str], *, strict: bool) -> dict[UUID, str]:
    """The inputs that are stored as attachments, by row id; `columns` has the rows' `files`.

    If the storage is down, raises `StorageUnavailable` if `strict`, and otherwise leaves out the texts that it can't
    read. A text whose attachment is missing or changed is logged and always left out.
    """
    wholes = {row_id: found for row_id, column in columns.items() if (found := descriptors.whole(column))}
    pending = _pending(wholes.values())
    texts = {row_id: pending[each.key].decode() for row_id, each in wholes.items() if each.key in pending}
    try:
        for row_id in wholes.keys() - texts.keys():
            if text := _text(row_id, wholes[row_id]):
                texts[row_id] = text
    except StorageUnavailable as exc:
        if strict:
            raise
        log.warning("inputs in the storage can't be shown: %s", exc.detail)
    return texts


def content(source: RecordSource, row_id: UUID, number: int, scope: Scope) -> tuple[Attachment, bytes]:
    """One attachment of a row within the scope, and its bytes. Raises `NoSuchFile` or `StorageUnavailable`."""
    column = source.rows_in(scope).filter(pk=row_id).values_list("files", flat=True).first()
    listed = descriptors.read(column or "")
    if number >= len(listed):
        raise NoSuchFile("The row is no longer in the log, or has no such file.")
    attachment = listed[number]
    pending = _pending([attachment])
    return attachment, pending[attachment.key] if pending else storage.read(attachment)


def _pending(listed: Collection[Attachment]) -> dict[str, bytes]:
    """The contents that wait for upload. Read them before the storage: they are deleted only once they are stored."""
    ready = PendingUpload.objects.filter(pk__in=[each.key for each in listed], is_ready=True)
    return {key: bytes(content) for key, content in ready.values_list("key", "content")}


def _text(row_id: UUID, attachment: Attachment) -> str:
    try:
        return storage.read(attachment).decode()
    except NoSuchFile as exc:
        log.error("the input of row %s can't be shown: %s", row_id, exc.detail)
        return ""
