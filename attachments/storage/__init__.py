"""Where files lie: a folder, or S3 and whatever speaks as it does. What the libraries raise ends here.

`settings.STORAGES["default"]` says which: `folder.Folder`, or `s3.S3`, which is loaded only where a bucket is named.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from attachments.descriptors import Attachment
from attachments.exceptions import NoSuchFile, StorageUnavailable

if TYPE_CHECKING:
    from django.core.files.base import File as AnyFile

Opened: TypeAlias = "AnyFile[Any]"


class Storage(Protocol):
    """What both kinds have of Django's interface, and beyond it."""

    failures: tuple[type[Exception], ...]  # what its library raises while the storage can't be asked

    def save(self, name: str, content: Opened) -> str:
        """Puts it there whole, over what may be there."""

    def open(self, name: str) -> Opened:
        """Raises `FileNotFoundError`, or one of `failures`."""

    def delete(self, name: str) -> None:
        """Also where it is not there."""

    def link(self, file: Attachment) -> str:
        """A URL that gives it for a while, as an attachment; blank where the gateway has to give it itself."""


def put(key: str, content: bytes) -> None:
    """Keeps bytes under a key; the same again changes nothing. Raises `StorageUnavailable`."""
    with _reached() as storage:
        storage.save(key, ContentFile(content))


def read(file: Attachment) -> bytes:
    """Its bytes, which are those that the log tells of. Raises `NoSuchFile` or `StorageUnavailable`."""
    with _opened(file) as opened:
        content: bytes = opened.read()
    if not file.is_of(content):
        raise NoSuchFile("The file in the storage is not the one that the log tells of.")
    return content


def is_whole(file: Attachment) -> bool:
    """Whether it is there as the log tells, looked at piece by piece. Raises `StorageUnavailable`."""
    try:
        with _opened(file) as opened:
            return file_digest(opened, "sha256").hexdigest() == file.sha256
    except NoSuchFile:
        return False


def remove(key: str) -> None:
    """Removes what is under a key, if there is anything. Raises `StorageUnavailable`."""
    with _reached() as storage:
        storage.delete(key)


def link(file: Attachment) -> str:
    """A URL that gives the file for `FILE_LINK_SECONDS`; blank where the gateway has to give it itself."""
    with _reached() as storage:
        return storage.link(file)


@contextmanager
def _opened(file: Attachment) -> Iterator[Opened]:
    with _reached() as storage:
        try:
            opened = storage.open(file.key)
        except FileNotFoundError as exc:
            raise NoSuchFile("The file is not in the storage.") from exc
        with opened:
            yield opened


@contextmanager
def _reached() -> Iterator[Storage]:
    storage = cast("Storage", storages["default"])
    try:
        yield storage
    except storage.failures as exc:
        raise StorageUnavailable(f"The storage of files does not do its work ({_word(exc)}). Try again soon.") from exc


def _word(exc: Exception) -> str:
    """S3's own, such as NoSuchBucket, where it said one."""
    response = getattr(exc, "response", None)
    said = response.get("Error", {}) if isinstance(response, dict) else {}
    return str(said.get("Code", type(exc).__name__))
