"""The files of a job: pictures, and uploads and providers' answers as they came. Their keys have the job's id."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from uuid import UUID

from attachments import storage as files
from attachments.exceptions import NoSuchFile
from imaging import pictures
from imaging.pictures import CONTENT_TYPE, Picture
from imaging.services import storage

PREFIX = "jobs/"
_ANSWER = ".answer"


def save_picture(job_id: UUID, name: str, picture: Picture) -> str:
    """Stores a picture; returns its key. Raises `StorageUnavailable`."""
    return storage.save(f"{PREFIX}{job_id}/{name}", picture.data, CONTENT_TYPE)


def picture_key(job_id: UUID, name: str) -> str:
    """The key under which `save_picture` stores it."""
    return f"{storage.FOLDER}{PREFIX}{job_id}/{name}{storage.SUFFIXES[CONTENT_TYPE]}"


def keep_upload(job_id: UUID, raw: bytes) -> None:
    """Stores a caller's file as it came, until the job has ended. Raises `StorageUnavailable`."""
    files.put(_upload_key(job_id), raw)


def read_upload(job_id: UUID) -> bytes:
    """The caller's file. Raises `NoSuchFile` or `StorageUnavailable`."""
    return files.read_unlisted(_upload_key(job_id))


def read_picture(key: str) -> Picture:
    """A picture that was stored. Raises `NoSuchFile` or `StorageUnavailable`."""
    data = storage.read(key)
    image = pictures.opened(data)
    return Picture(data, image.width, image.height, "JPEG")


def keep_answer(job_id: UUID, call_id: UUID, answer: bytes) -> None:
    """Stores what a provider answered. Raises `StorageUnavailable`."""
    files.put(_answer_key(job_id, call_id), answer)


def find_answer(job_id: UUID, call_id: UUID) -> bytes | None:
    """What a provider answered; None if no answer was kept. Raises `StorageUnavailable`."""
    try:
        return files.read_unlisted(_answer_key(job_id, call_id))
    except NoSuchFile:
        return None


def delete_files(job_id: UUID, kept: Collection[str] = ()) -> int:
    """Deletes all files of a job except those that are kept; returns how many. Raises `StorageUnavailable`."""
    unwanted = [key for key in storage.keys(f"{PREFIX}{job_id}/") if key not in kept]
    for key in unwanted:
        files.remove(key)
    files.discard_drafts(f"{storage.FOLDER}{PREFIX}{job_id}/")
    return len(unwanted)


def job_ids() -> Iterator[UUID]:
    """The jobs that have files, each at least once. Raises `StorageUnavailable`."""
    start = len(f"{storage.FOLDER}{PREFIX}")
    for key in storage.keys(PREFIX):
        with suppress(ValueError):  # not ours
            yield UUID(key[start:].partition("/")[0])


def _upload_key(job_id: UUID) -> str:
    return f"{storage.FOLDER}{PREFIX}{job_id}/upload"


def _answer_key(job_id: UUID, call_id: UUID) -> str:
    return f"{storage.FOLDER}{PREFIX}{job_id}/{call_id}{_ANSWER}"
