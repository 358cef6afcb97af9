"""Reads the picture of a request: a URL in a JSON object, or a file in a form."""

from dataclasses import dataclass

from common import multipart, strict_json
from common.exceptions import BadInput, FieldError
from common.outbound.network import INTERNET, Network
from common.request_body import FORM
from imaging import fetching, pictures
from imaging.pictures import Picture
from jobs.requests import Member, is_string, read_request

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
    value = read_request(body, [Member(URL, "a string", is_string)]).value
    url = strict_json.member(value, URL)
    if url is None:
        raise BadInput("There is no picture.", field_errors=[FieldError(f"/{URL}", "is missing: give the URL of one")])
    fetching.check_url(str(url), f"/{URL}")
    return PictureRequest(str(url))


def _file(content_type: str, body: bytes) -> bytes:
    parts = multipart.read(content_type, body)
    files = [value for _, value in parts if isinstance(value, multipart.Upload)]
    if len(parts) != 1 or len(files) != 1:
        raise BadInput("The form can't be used.", field_errors=[FieldError("", "must have one file, and nothing else")])
    return files[0].data
