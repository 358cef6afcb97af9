"""The storage of files: a folder, or an S3-compatible service. Translates the libraries' errors into ours.

`settings.STORAGES["default"]` selects `folder.Folder` or `s3.S3`, which is imported only if a bucket is configured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from attachments.descriptors import Attachment
from attachments.exceptions import NoSuchFile, StorageUnavailable
from common import encryption

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

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a folder's name and a slash."""

    def discard_drafts(self, prefix: str) -> None:
        """Deletes incomplete files in a folder into which no process writes any more."""


def put(key: str, content: bytes) -> None:
    """Stores bytes under a key, encrypted if there are `DATA_KEYS`; idempotent. Raises `StorageUnavailable`."""
    keys = encryption.keys()
    stored = encryption.envelope(keys, content, _place(key)) if keys else content
    with _storage() as storage:
        storage.save(key, ContentFile(stored))


def read(file: Attachment) -> bytes:
    """The file's bytes, verified against its descriptor.

    Raises `NoSuchFile`, `StorageUnavailable` or `UnknownDataKey`.
    """
    with _opened(file.key) as opened:
        stored: bytes = opened.read()
    content = _content(file, stored)
    if content is None:
        raise NoSuchFile("The file in the storage is not the one that the log describes.")
    return content


def read_unlisted(key: str) -> bytes:
    """The bytes of a file that no row describes: encrypted ones are authenticated, clear ones are taken as they are.

    Raises `NoSuchFile`, `StorageUnavailable` or `UnknownDataKey`.
    """
    with _opened(key) as opened:
        stored: bytes = opened.read()
    if not stored.startswith(encryption.BYTES.encode()):
        return stored
    try:
        return encryption.decrypted(stored, _place(key))
    except encryption.Undecryptable as exc:
        raise NoSuchFile("The file in the storage was changed, or moved from another key.") from exc


def keys(prefix: str) -> Iterator[str]:
    """The keys of stored files under a prefix, which ends with a slash; in no order. Raises `StorageUnavailable`."""
    with _storage() as storage:
        yield from storage.keys(prefix)


def discard_drafts(prefix: str) -> None:
    """Deletes incomplete files that killed processes left in a folder; its name ends with a slash.

    No process may write there any more. Raises `StorageUnavailable`.
    """
    with _storage() as storage:
        storage.discard_drafts(prefix)


def encrypt(file: Attachment) -> bool:
    """Stores the file anew if it is not encrypted with the first of `DATA_KEYS`. Returns whether it did.

    A file that is missing, or not the one that is described, is left alone. Raises `StorageUnavailable` or
    `UnknownDataKey`.
    """
    head = encryption.current_head(encryption.BYTES).encode()
    try:
        with _opened(file.key) as opened:
            stored: bytes = opened.read()
    except NoSuchFile:
        return False
    content = _content(file, stored)
    if content is None or (stored.startswith(head) and stored != content):
        return False
    put(file.key, content)
    return True


def data_key_of(file: Attachment) -> str | None:
    """The id of the data key of the stored file; blank if it is clear, None if it is missing.

    Raises `StorageUnavailable`.
    """
    try:
        with _opened(file.key) as opened:
            stored: bytes = opened.read()
    except NoSuchFile:
        return None
    is_clear = file.matches(stored) or not stored.startswith(encryption.BYTES.encode())
    return "" if is_clear else stored[len(encryption.BYTES) : encryption.HEAD_LENGTH].decode("latin-1")


def is_intact(file: Attachment) -> bool:
    """Whether the stored file has the SHA-256 of its descriptor. Raises `StorageUnavailable` or `UnknownDataKey`."""
    try:
        read(file)
    except NoSuchFile:
        return False
    return True


def remove(key: str) -> None:
    """Removes the file under a key, if it exists. Raises `StorageUnavailable`."""
    with _storage() as storage:
        storage.delete(key)


def link(file: Attachment) -> str:
    """A URL of the file, valid for `FILE_LINK_SECONDS`; blank if the gateway has to serve the file itself.

    It has to with `DATA_KEYS`: only the gateway can decrypt.
    """
    if encryption.keys():
        return ""
    with _storage() as storage:
        return storage.link(file)


def _content(file: Attachment, stored: bytes) -> bytes | None:
    """The file's bytes, from stored ones that are clear or encrypted; None if they are not those of its descriptor."""
    if file.matches(stored):
        return stored
    try:
        content = encryption.decrypted(stored, _place(file.key))
    except encryption.Undecryptable:
        return None
    return content if file.matches(content) else None


def _place(key: str) -> bytes:
    return f"file {key}".encode()


@contextmanager
def _opened(key: str) -> Iterator[Opened]:
    with _storage() as storage:
        try:
            opened = storage.open(key)
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
