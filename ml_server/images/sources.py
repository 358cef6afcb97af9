"""Reads the bytes of an image from an upload, from base64, or from a file in the one folder that may be read."""

import base64
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ml_server.exceptions import InvalidImage
from ml_server.images.decoder import MAX_BYTES

# Does not follow links, and does not block on a pipe without a writer.
OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NOT_FOUND = "must be the path of a file within IMAGE_DIR, without links and .."


def read_image(body: Mapping[str, Any], image_dir: Path | None) -> bytes:
    """Returns the bytes of the body's `image` or `image_path`. Reads at most one byte more than the limit.

    Raises:
        InvalidImage: the base64 or the path is invalid.
    """
    if "image_path" in body:
        return read_within(image_dir, body["image_path"])
    image = body["image"]
    return image if isinstance(image, bytes) else from_base64(image)


def from_base64(text: str) -> bytes:
    """Decodes base64, with or without line breaks, or a base64 `data:` URL. Raises `InvalidImage`."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as exc:
        raise InvalidImage("must be base64") from exc


def read_within(folder: Path | None, name: str) -> bytes:
    """Reads a file by its path within `folder`. Reaches no file outside it, not even in a race with a new link.

    Raises:
        InvalidImage: always with the same message, so that it discloses nothing about other files.
    """
    if folder is None:
        raise InvalidImage("can't be used, because this server has no IMAGE_DIR: send image instead")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise InvalidImage(NOT_FOUND)
    try:
        return _read(_open_within(folder, path.parts))
    except (OSError, ValueError) as exc:
        raise InvalidImage(NOT_FOUND) from exc


def _open_within(folder: Path, parts: tuple[str, ...]) -> int:
    """Opens each part of the path relative to the one before."""
    current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        try:
            inner = os.open(part, OPEN_FLAGS, dir_fd=current)
        finally:
            os.close(current)
        current = inner
    return current


def _read(descriptor: int) -> bytes:
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidImage(NOT_FOUND)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
