"""What was moved to the storage, read again."""

import logging
from collections.abc import Collection, Mapping
from uuid import UUID

from ml_proxy import files, storage
from ml_proxy.exceptions import NoSuchFile, StorageDown
from ml_proxy.files import File
from ml_proxy.models import InferenceLog, Unstored
from ml_proxy.rows import Row

log = logging.getLogger(__name__)


def laid_in(rows: list[Row], columns: Mapping[UUID, str], *, strictly: bool) -> list[Row]:
    """The rows, with the inputs that `stored` finds."""
    if not columns:
        return rows
    found = stored(columns, strictly=strictly)
    return [row._replace(input_data=found[row.id]) if row.id in found else row for row in rows]


def stored(columns: Mapping[UUID, str], *, strictly: bool) -> dict[UUID, str]:
    """The inputs that lie in the storage whole, as JSON texts, by inference; `columns` are rows' `files`.

    While the storage is down, raises `StorageDown` where it is asked `strictly`, else leaves out what can't be read.
    One whose file is gone or changed is left out either way, and told of in the log.
    """
    wholes = {row_id: file for row_id, column in columns.items() if (file := files.whole(column))}
    waiting = _waiting(wholes.values())
    found = {row_id: waiting[file.key].decode() for row_id, file in wholes.items() if file.key in waiting}
    try:
        for row_id in wholes.keys() - found.keys():
            if text := _text(row_id, wholes[row_id]):
                found[row_id] = text
    except StorageDown as exc:
        if strictly:
            raise
        log.warning("inputs in the storage can't be shown: %s", exc.detail)
    return found


def content(inference_id: UUID, number: int) -> tuple[File, bytes]:
    """One file of an inference, and its bytes. Raises `NoSuchFile` or `StorageDown`."""
    column = InferenceLog.objects.filter(pk=inference_id).values_list("files", flat=True).first()
    listed = files.read(column or "")
    if number >= len(listed):
        raise NoSuchFile("The inference is not in the log any more, or has no such file.")
    file = listed[number]
    waiting = _waiting([file])
    return file, waiting[file.key] if waiting else storage.read(file)


def _waiting(listed: Collection[File]) -> dict[str, bytes]:
    """Those that the storage did not take yet; asked first, since they leave only once they are there."""
    found = Unstored.objects.filter(pk__in=[file.key for file in listed]).values_list("key", "content")
    return {key: bytes(waiting) for key, waiting in found}


def _text(inference_id: UUID, file: File) -> str:
    try:
        return storage.read(file).decode()
    except NoSuchFile as exc:
        log.error("the input of inference %s can't be shown: %s", inference_id, exc.detail)
        return ""
