"""The storage of files: a folder, or an S3-compatible service. Translates the libraries' errors into ours.

`settings.STORAGES["default"]` selects `folder.Folder` or `s3.S3`, which is imported only if a bucket is configured.
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
    """The part of Django's storage interface that both implement, with our additions."""

    failures: tuple[type[Exception], ...]  # what its library raises if the storage fails

    def save(self, name: str, content: Opened) -> str:
        """Writes the file atomically, and replaces an existing one."""

    def open(self, name: str) -> Opened:
        """Raises `FileNotFoundError`, or one of `failures`."""

    def delete(self, name: str) -> None:
        """Deletes the file; a missing file is not an error."""

    def link(self, file: Attachment) -> str:
        """A temporary download URL; blank if the gateway has to serve the file itself."""


def put(key: str, content: bytes) -> None:
    """Stores bytes under a key; idempotent. Raises `StorageUnavailable`."""
    with _storage() as storage:
        storage.save(key, ContentFile(content))


def read(file: Attachment) -> bytes:
    """The file's bytes, verified against its descriptor. Raises `NoSuchFile` or `StorageUnavailable`."""
    with _opened(file) as opened:
        content: bytes = opened.read()
    if not file.matches(content):
        raise NoSuchFile("The file in the storage is not the one that the log describes.")
    return content


def is_intact(file: Attachment) -> bool:
    """Whether the stored file has the SHA-256 of its descriptor; reads in chunks. Raises `StorageUnavailable`."""
    try:
        with _opened(file) as opened:
            return file_digest(opened, "sha256").hexdigest() == file.sha256
    except NoSuchFile:
        return False


def remove(key: str) -> None:
    """Removes the file under a key, if it exists. Raises `StorageUnavailable`."""
    with _storage() as storage:
        storage.delete(key)


def link(file: Attachment) -> str:
    """A URL of the file, valid for `FILE_LINK_SECONDS`; blank if the gateway has to serve the file itself."""
    with _storage() as storage:
        return storage.link(file)


@contextmanager
def _opened(file: Attachment) -> Iterator[Opened]:
    with _storage() as storage:
        try:
            opened = storage.open(file.key)
        except FileNotFoundError as exc:
            raise NoSuchFile("The file is not in the storage.") from exc
        with opened:
            yield opened


@contextmanager
def _storage() -> Iterator[Storage]:
    storage = cast("Storage", storages["default"])
    try:
        yield storage
    except storage.failures as exc:
        raise StorageUnavailable(f"The file storage failed ({_error_code(exc)}). Try again soon.") from exc


def _error_code(exc: Exception) -> str:
    """S3's error code, such as NoSuchBucket, if there is one."""
    response = getattr(exc, "response", None)
    error = response.get("Error", {}) if isinstance(response, dict) else {}
    return str(error.get("Code", type(exc).__name__))
