"""Parses `multipart/form-data` bodies (RFC 7578), as browsers send files together with fields."""

import re
from io import BytesIO
from typing import Any, NamedTuple

from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.http import parse_header_parameters

from common.exceptions import BadInput, FieldError
from common.request_body import FORM

MAX_FILENAME = 255  # characters

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}/[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)


class Upload(NamedTuple):
    """A file of a form. `content_type` is the caller's media type if that is valid, else application/octet-stream."""

    filename: str
    content_type: str
    data: bytes


class _InMemory(MemoryFileUploadHandler):
    """Keeps files of any size in memory: the body is already there."""

    def handle_raw_input(self, *_: Any, **__: Any) -> None:
        """Always handles the upload; Django's own handler decides by size."""
        self.activated = True


class _Parser(MultiPartParser):
    """Reads texts as Latin-1, which preserves each byte, so that invalid UTF-8 can be detected later.

    Names come out as Latin-1 as well. Django has already checked that their header line is UTF-8.
    """

    def sanitize_file_name(self, file_name: str) -> str | None:
        """Decodes the name before characters that can't be printed are removed: as Latin-1 it has some of them."""
        return super().sanitize_file_name(_name(file_name))


def read(content_type: str, body: bytes) -> list[tuple[str, str | Upload]]:
    """Returns a form's fields, then its files, each with its name. Raises `BadInput`.

    Parts that Django silently skips (a part without a name, a file without a file name) are refused: the log must
    contain everything that is sent to the model.
    """
    _, _, parameters = content_type.partition(";")
    meta: dict[str, Any] = {"CONTENT_TYPE": f"{FORM};{parameters}", "CONTENT_LENGTH": len(body)}
    try:
        fields, uploads = _Parser(meta, BytesIO(body), [_InMemory()], "latin-1").parse()
    except MultiPartParserError as exc:
        raise BadInput("The form can't be parsed. Send it as in RFC 7578, with the boundary in Content-Type.") from exc
    except (TooManyFieldsSent, TooManyFilesSent) as exc:
        raise BadInput("The form has too many fields or files. Send fewer.") from exc
    parts: list[tuple[str, str | Upload]] = [
        *((_name(name), _text(_name(name), value)) for name, values in fields.lists() for value in values),
        *((_name(name), _upload(file)) for name, files in uploads.lists() for file in files),
    ]
    boundary = parse_header_parameters(meta["CONTENT_TYPE"])[1]["boundary"]
    if not _has_exactly(len(parts), body, f"--{boundary}".encode()):
        raise BadInput(
            "The form can't be parsed completely. Give each part a name and each file a file name, leave out empty "
            "parts, and end the form with its boundary, which must not occur in the content."
        )
    return parts


def _has_exactly(parts: int, body: bytes, delimiter: bytes) -> bool:
    """Whether every parser finds exactly `parts` parts and one closing delimiter after them."""
    ends = body.count(delimiter + b"--") == 1 and body.rpartition(delimiter)[2].startswith(b"--")
    return ends and body.count(delimiter) == parts + 1


def _name(text: str) -> str:
    return text.encode("latin-1").decode()


def _text(name: str, value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        place = pointer(name, 0, 1)
        raise BadInput("The form can't be parsed.", field_errors=[FieldError(place, "must be UTF-8")]) from None


def _upload(file: Any) -> Upload:
    claimed = file.content_type or ""
    content_type = claimed if _MEDIA_TYPE.fullmatch(claimed) else "application/octet-stream"
    return Upload(file.name[:MAX_FILENAME], content_type, file.read())


def pointer(name: str, number: int, count: int) -> str:
    """Returns an RFC 6901 pointer."""
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"/{escaped}/{number}" if count > 1 else f"/{escaped}"
