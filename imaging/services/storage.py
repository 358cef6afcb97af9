"""Stores pictures that were made here, in the storage of attachments: a folder, or a bucket of S3.

A key is a path such as `generated/0198….jpg`. It is kept; a link is made anew at each reading, because it expires.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.urls import reverse

from attachments import storage
from attachments.descriptors import Attachment
from attachments.exceptions import LinkExpired, NoSuchFile
from imaging.exceptions import ProviderError

FOLDER: Final = "imaging/"  # what this module stores, beside the attachments of rows
VIEW: Final = "stored-picture"  # the URL name of the view that returns a picture by token
SUFFIXES: Final[Mapping[str, str]] = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(/[a-z0-9][a-z0-9_-]{0,63}){0,3}")
_SIGNER = TimestampSigner(salt="imaging.services.storage")


def save(name: str, data: bytes, content_type: str) -> str:
    """Stores bytes, and returns their key. The same name and type replace what is there, so a retry is idempotent.

    A name has up to four parts of small letters, digits, `-` and `_`, joined by slashes. Raises `ValueError` for
    another name, `ProviderError` for a type that is not in `SUFFIXES`, and `StorageUnavailable`.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be the name of a stored picture")
    if content_type not in SUFFIXES:
        raise ProviderError(f"A picture of the type {content_type} can't be stored: make one of {', '.join(SUFFIXES)}.")
    key = f"{FOLDER}{name}{SUFFIXES[content_type]}"
    storage.put(key, data)
    return key


def read(key: str) -> bytes:
    """The bytes under a key. Raises `NoSuchFile` or `StorageUnavailable`."""
    return storage.read_unlisted(_checked(key))


def link(key: str) -> str:
    """A URL of the picture, valid for `FILE_LINK_SECONDS` from now on. Raises `NoSuchFile` or `StorageUnavailable`.

    It is absolute if the storage signs it. Else it is a path of this gateway, which serves the file itself: from a
    folder, or if files are encrypted.
    """
    file = Attachment("", _checked(key), key.rpartition("/")[2], content_type(key), 0, "")
    return storage.link(file) or reverse(VIEW, args=[_SIGNER.sign_object(key)])


def delete(key: str) -> None:
    """Deletes what is under a key, if there is anything. Raises `NoSuchFile` or `StorageUnavailable`."""
    storage.remove(_checked(key))


def keys(prefix: str = "") -> Iterator[str]:
    """The keys whose names begin with `prefix`, a blank text or one that ends with a slash, such as `generated/`.

    Raises `StorageUnavailable`.
    """
    return storage.keys(FOLDER + prefix)


def content_type(key: str) -> str:
    """The type of the file under a key, by its suffix. Raises `NoSuchFile`."""
    found = next((kind for kind, suffix in SUFFIXES.items() if key.endswith(suffix)), None)
    if found is None:
        raise NoSuchFile("This is not the key of a stored picture.")
    return found


def key_of(token: str) -> str:
    """The key in a link of this gateway. Raises `LinkExpired` or `NoSuchFile`."""
    try:
        return _checked(str(_SIGNER.unsign_object(token, max_age=settings.FILE_LINK_SECONDS)))
    except SignatureExpired as exc:
        raise LinkExpired("The link has expired. Ask for the job or the call again to get a new one.") from exc
    except BadSignature as exc:
        raise NoSuchFile("This is not a link of this gateway. Ask for the job or the call to get one.") from exc


def _checked(key: str) -> str:
    """The key, if `save` can have made it. Raises `NoSuchFile`."""
    name = key.removeprefix(FOLDER).removesuffix(SUFFIXES[content_type(key)])
    if not key.startswith(FOLDER) or not _NAME.fullmatch(name):
        raise NoSuchFile("This is not the key of a stored picture.")
    return key
