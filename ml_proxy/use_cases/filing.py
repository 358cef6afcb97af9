"""Brings records' files to the storage, and takes them out of it again.

They are put there before the row is written. What the storage does not take is written with the row and brought there
later: so no record waits for the storage, and none loses its file.
"""

import logging
from collections.abc import Collection, Iterable, Sequence

from ml_proxy import files, storage
from ml_proxy.batches import Numbered
from ml_proxy.exceptions import StorageDown
from ml_proxy.files import File
from ml_proxy.models import InferenceLog, Unstored
from ml_proxy.records import BadRecord, Record, contents_of, has_files

log = logging.getLogger(__name__)

AT_ONCE = 20  # files, by one task of the clock's


def with_files(numbers: Sequence[Numbered]) -> list[Numbered]:
    """Those whose record may have files: few, and most batches have none."""
    return [number for number in numbers if has_files(number.payload)]


def put(numbers: Iterable[Numbered]) -> set[str]:
    """Puts records' files into the storage, and gives the keys of those that it took; a first failure ends it."""
    taken: set[str] = set()
    try:
        for number in numbers:
            for file, content in _files_of(number):
                storage.put(file.key, content)
                taken.add(file.key)
    except StorageDown as exc:
        log.warning("files are written with their rows, and go to the storage later: %s", exc.detail)
    return taken


def keep(row: InferenceLog, number: Numbered, taken: Collection[str]) -> None:
    """Writes those of a new row's files that the storage has not taken, in the caller's transaction.

    Raises `BadRecord` where they are not those that the record tells of.
    """
    listed = files.read(row.files)
    if all(file.key in taken for file in listed):
        return
    pairs = zip(listed, contents_of(number.payload, listed), strict=True)
    lacking = [(file, content) for file, content in pairs if file.key not in taken]
    Unstored.objects.bulk_create(Unstored(key=file.key, inference=row.id, content=content) for file, content in lacking)


def bring() -> int:
    """Brings files to the storage that it did not take before, the oldest first; gives how many."""
    keys = list(Unstored.objects.order_by("created_at").values_list("key", flat=True)[:AT_ONCE])
    try:
        return sum(map(_bring, keys))
    except StorageDown as exc:
        log.warning("%d files still wait for the storage: %s", Unstored.objects.count(), exc.detail)
        return 0


def remove(listed: Iterable[File]) -> None:
    """Removes files from the storage, those too that are not there. Raises `StorageDown`."""
    for file in listed:
        storage.remove(file.key)


def remove_late(numbers: Iterable[Numbered]) -> None:
    """Removes files that were put there for records which were erased in that very moment."""
    try:
        for number in numbers:
            remove(file for file, _ in _files_of(number))
    except StorageDown as exc:
        log.error("files of an inference that was erased may be left in the storage: %s", exc.detail)


def _files_of(number: Numbered) -> list[tuple[File, bytes]]:
    """None for what is no record: it is about to be told as such."""
    try:
        listed = files.read(Record.decode(number.payload).files)
        return list(zip(listed, contents_of(number.payload, listed), strict=True)) if listed else []
    except BadRecord:
        return []


def _bring(key: str) -> bool:
    """One. Where it was no longer waiting at the end, its row may have been erased, and the file may not stay."""
    waiting = Unstored.objects.filter(pk=key).first()
    if waiting is None:
        return False
    storage.put(key, bytes(waiting.content))
    brought = bool(Unstored.objects.filter(pk=key).delete()[0])
    if not brought and not InferenceLog.objects.filter(pk=waiting.inference).exists():
        storage.remove(key)
    return brought
