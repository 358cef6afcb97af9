"""Reads the picture of a request: a URL in a JSON object, or a file in a form."""

from dataclasses import dataclass
from typing import Any

from common import multipart
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.outbound.network import INTERNET, Network
from common.request_body import FORM
from imaging import fetching, pictures
from imaging.pictures import Picture

URL = "initial_image_url"


@dataclass(frozen=True)
class PictureRequest:
    """A picture by its URL, or as a file; one of the two."""

    url: str | None
    file: bytes = b""

    def picture(self, network: Network = INTERNET) -> Picture:
        """Fetches and reads it. Raises `PictureNotFetched` or `PictureRefused`."""
        pointer = f"/{URL}" if self.url is not None else "/image"
        raw = self.file if self.url is None else fetching.fetch(self.url, pointer, network)
        return pictures.read(raw, pointer)


def read(content_type: str, body: bytes) -> PictureRequest:
    """Parses the body. Raises `BadInput`, or `PictureNotFetched` for a URL that may not be called."""
    if content_type.split(";", maxsplit=1)[0].strip().lower() == FORM:
        return PictureRequest(None, _file(content_type, body))
    url = _url(read_object(body)[1])
    fetching.check_url(url, f"/{URL}")
    return PictureRequest(url)


def _url(value: Any) -> str:
    """The one member of the object. Raises `BadInput`."""
    faults = {f"/{name}": "is unknown: give initial_image_url only" for name, _ in value if name != URL}
    urls = [each for name, each in value if name == URL]
    if len(urls) != 1 or type(urls[0]) is not str:  # a parsed number is a subclass
        faults[f"/{URL}"] = "must be given once, as a string: the URL of a picture"
    if faults:
        raise BadInput("The request is not valid.", field_errors=[FieldError(*fault) for fault in faults.items()])
    return str(urls[0])


def _file(content_type: str, body: bytes) -> bytes:
    parts = multipart.read(content_type, body)
    files = [value for _, value in parts if isinstance(value, multipart.Upload)]
    if len(parts) != 1 or len(files) != 1:
        raise BadInput("The form can't be used.", field_errors=[FieldError("", "must have one file, and nothing else")])
    return files[0].data
