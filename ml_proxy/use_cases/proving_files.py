"""Proves that the files which the log tells of are there, byte for byte: the seals of rows cover their SHA-256."""

from collections.abc import Iterator

from ml_proxy import files, storage
from ml_proxy.files import File
from ml_proxy.models import InferenceLog, Unstored
from ml_proxy.use_cases.proving import AT_ONCE, Finding, Step


def prove_files() -> Iterator[Step]:
    """Reads every file of every row, piece by piece; its steps count files. Raises `StorageDown`."""
    rows = InferenceLog.objects.exclude(files="").order_by("pk")
    for row_id, origin, number, column in rows.values_list("pk", "origin", "sequence", "files").iterator(AT_ONCE):
        total, bad = _looked_at(column)
        detail = f"row {row_id}: not in the storage as it was sent: {', '.join(bad)}"
        yield Step(total, (Finding("missing", origin, number, number, detail),) if bad else ())


def _looked_at(column: str) -> tuple[int, list[str]]:
    """How many files a row has, and the keys of those that are gone or changed."""
    try:
        listed = files.read(column)
    except (ValueError, TypeError):  # somebody changed the row, which its seal tells too
        return 1, ["what the row tells of them"]
    return len(listed), [file.key for file in listed if not _is_whole(file)]


def _is_whole(file: File) -> bool:
    """Wherever it is; those that the storage did not take yet are asked first: they leave only once they are there."""
    waiting = Unstored.objects.filter(pk=file.key).first()
    return file.is_of(bytes(waiting.content)) if waiting else storage.is_whole(file)
