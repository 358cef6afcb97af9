"""The picture within a request's body, where it has one in the reference model server's manner."""

from base64 import b64decode

from common import strict_json

MEMBER = "image"
MOST_CHARACTERS = 8 * 1024 * 1024  # of base64; a larger one is in the input alone
SUFFIXES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}  # by the file's first bytes


def picture_of(text: str) -> tuple[str, bytes] | None:
    """The suffix and bytes of a PNG or JPEG file under `image`, in base64 or a `data:` URL of it; None for another."""
    given = strict_json.member(strict_json.parse(text), MEMBER)
    if type(given) is not str or len(given) > MOST_CHARACTERS:
        return None
    encoded = given.partition(",")[2] if given.startswith("data:") else given
    try:
        data = b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        return None
    return next(((suffix, data) for magic, suffix in SUFFIXES.items() if data.startswith(magic)), None)
