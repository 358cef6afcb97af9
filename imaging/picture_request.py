"""Reads the picture of a request: a URL in a JSON object, or a file in a form. Both may have a `callback_url`."""

import hashlib
from dataclasses import dataclass
from typing import Any

from common import multipart
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.outbound.network import INTERNET, Network
from common.request_body import FORM
from imaging import fetching, pictures
from imaging.pictures import Picture

CALLBACK_URL = "callback_url"
INITIAL_URL = "initial_image_url"  # the member of `classify`
URL = "image_url"  # that of `generated`
_FILE_POINTER = "/image"


@dataclass(frozen=True)
class PictureRequest:
    """A picture by its URL, or as a file; one of the two. `pointer` is its place in the request."""

    url: str | None
    pointer: str = f"/{INITIAL_URL}"
    file: bytes = b""
    callback_url: str | None = None

    def picture(self, network: Network = INTERNET) -> Picture:
        """Fetches and reads it. Raises `PictureNotFetched` or `PictureRefused`."""
        raw = self.file if self.url is None else fetching.fetch(self.url, self.pointer, network)
        return pictures.read(raw, self.pointer)

    def check(self) -> None:
        """Checks a file as far as that is possible without decoding it. Raises `PictureRefused`."""
        if self.url is None:
            pictures.check(self.file, self.pointer)

    @property
    def identity(self) -> list[str | None]:
        """What makes two requests the same: of a form its file, and not its boundary."""
        file = None if self.url is not None else hashlib.sha256(self.file).hexdigest()
        return [self.url, file, self.callback_url]


def read(content_type: str, body: bytes, member: str = INITIAL_URL) -> PictureRequest:
    """Parses the body. Raises `BadInput`, or `PictureNotFetched` for a URL that may not be called."""
    if content_type.split(";", maxsplit=1)[0].strip().lower() == FORM:
        return _form(content_type, body)
    texts = _texts(read_object(body)[1], member)
    fetching.check_url(texts[member], f"/{member}")
    return PictureRequest(texts[member], f"/{member}", callback_url=texts.get(CALLBACK_URL))


def _texts(value: Any, member: str) -> dict[str, str]:
    """The members of the object. Raises `BadInput`."""
    names = (member, CALLBACK_URL)
    faults = {
        f"/{name}": f"is unknown: give {member} and {CALLBACK_URL} only" for name, _ in value if name not in names
    }
    texts: dict[str, str] = {}
    for name in names:
        found = [each for key, each in value if key == name]
        if len(found) == 1 and type(found[0]) is str:  # a parsed number is a subclass
            texts[name] = str(found[0])
        elif found or name == member:
            faults[f"/{name}"] = "must be given once, as a string: a URL"
    if faults:
        raise BadInput("The request is not valid.", field_errors=[FieldError(*fault) for fault in faults.items()])
    return texts


def _form(content_type: str, body: bytes) -> PictureRequest:
    parts = multipart.read(content_type, body)
    files = [value for _, value in parts if isinstance(value, multipart.Upload)]
    callbacks = [value for name, value in parts if name == CALLBACK_URL and isinstance(value, str)]
    if len(files) != 1 or len(callbacks) > 1 or len(parts) != len(files) + len(callbacks):
        error = FieldError("", f"must have one file, and nothing else but a field {CALLBACK_URL}")
        raise BadInput("The form can't be used.", field_errors=[error])
    return PictureRequest(None, _FILE_POINTER, files[0].data, callbacks[0] if callbacks else None)
