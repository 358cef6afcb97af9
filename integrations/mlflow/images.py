"""Extracts the image from a request's body, if it has one in the format of the reference model server."""

from base64 import b64decode

from common import strict_json

MEMBER = "image"
MAX_CHARACTERS = 8 * 1024 * 1024  # of base64; larger images are not extracted
SUFFIXES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}  # by the file's first bytes


def image_in(text: str) -> tuple[str, bytes] | None:
    """File suffix and bytes of a PNG or JPEG in `image`, given as base64 or a base64 `data:` URL; None otherwise."""
    value = strict_json.member(strict_json.parse(text), MEMBER)
    if type(value) is not str or len(value) > MAX_CHARACTERS:
        return None
    encoded = value.partition(",")[2] if value.startswith("data:") else value
    try:
        data = b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        return None
    return next(((suffix, data) for magic, suffix in SUFFIXES.items() if data.startswith(magic)), None)
