"""Where a picture's bytes come from: an upload, base64, or a file in the one folder that may be read."""

import base64
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ml_server.exceptions import BadImage
from ml_server.images.decoding import MAX_BYTES

# Links are not followed, and a pipe without a writer is not waited for.
STEP = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NOT_THERE = "is no file in the folder of images; links and .. are not followed"


def read_image(body: Mapping[str, Any], folder: Path | None) -> bytes:
    """The bytes of the body's `image` or `image_path`, at most a byte more than are allowed.

    Raises:
        BadImage: there are none.
    """
    if "image_path" in body:
        return read_beneath(folder, body["image_path"])
    image = body["image"]
    return image if isinstance(image, bytes) else from_base64(image)


def from_base64(text: str) -> bytes:
    """From base64 with or without line breaks, or from a `data:` URL of it. Raises `BadImage`."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as exc:
        raise BadImage("is not base64") from exc


def read_beneath(folder: Path | None, name: str) -> bytes:
    """A file's bytes by its path within `folder`. Nothing outside can be reached, not by a race with a link either.

    Raises:
        BadImage: with the same words whatever is in the way, so that nobody learns what there is elsewhere.
    """
    if folder is None:
        raise BadImage("can't be used here: IMAGE_DIR is not set")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BadImage(NOT_THERE)
    try:
        return _read(_walk(folder, path.parts))
    except (OSError, ValueError) as exc:
        raise BadImage(NOT_THERE) from exc


def _walk(folder: Path, parts: tuple[str, ...]) -> int:
    """Opens one part after the other, each within the one before."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        try:
            inner = os.open(part, STEP, dir_fd=place)
        finally:
            os.close(place)
        place = inner
    return place


def _read(descriptor: int) -> bytes:
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadImage(NOT_THERE)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
