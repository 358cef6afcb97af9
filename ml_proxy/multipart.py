"""Bodies that are forms: `multipart/form-data`, as a browser sends a file with some fields beside it (RFC 7578)."""

import hashlib
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any, NamedTuple

import orjson
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.http import parse_header_parameters

from attachments.descriptors import Part
from common.exceptions import BadInput, FieldError
from common.request_body import FORM

LONGEST_FILENAME = 255  # characters

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}/[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)


class Upload(NamedTuple):
    """A file of a form. Its media type is what the caller says, where that is one."""

    filename: str
    content_type: str
    data: bytes


class _InMemory(MemoryFileUploadHandler):
    """Whatever the size: the body is in memory already."""

    def handle_raw_input(self, *_: Any, **__: Any) -> None:
        """Nothing to decide."""
        self.activated = True


def read(content_type: str, body: bytes) -> list[tuple[str, str | Upload]]:
    """A form's fields, then its files, each under its name. Raises `BadInput`.

    A part that Django would pass over in silence (one without a name, a file with none) is refused: what the model gets
    to see the log shall hold.
    """
    _, _, parameters = content_type.partition(";")
    meta: dict[str, Any] = {"CONTENT_TYPE": f"{FORM};{parameters}", "CONTENT_LENGTH": len(body)}
    try:
        # Latin-1 keeps each byte, so that what is no UTF-8 can be told.
        fields, uploads = MultiPartParser(meta, BytesIO(body), [_InMemory()], "latin-1").parse()
    except MultiPartParserError as exc:
        raise BadInput("The form can't be read. Send it as RFC 7578 says, with its boundary in Content-Type.") from exc
    except (TooManyFieldsSent, TooManyFilesSent) as exc:
        raise BadInput("The form has too many fields or files. Send fewer.") from exc
    given: list[tuple[str, str | Upload]] = [
        *((name, _text(name, value)) for name, values in fields.lists() for value in values),
        *((name, _upload(file)) for name, files in uploads.lists() for file in files),
    ]
    boundary = parse_header_parameters(meta["CONTENT_TYPE"])[1]["boundary"]
    if not _has_exactly(len(given), body, f"--{boundary}".encode()):
        raise BadInput(
            "The form can't be read whole. Give each part a name, each file a file name, and end the form with its "
            "boundary, which nothing in it may hold; leave out what is empty."
        )
    return given


def as_json(given: Iterable[tuple[str, str | Upload]]) -> tuple[bytes, tuple[Part, ...]]:
    """The form as a JSON object, names given more than once as arrays; and its files, with pointers into that."""
    members: dict[str, list[str | Upload]] = {}
    for name, value in given:
        members.setdefault(name, []).append(value)
    shown = {name: [_shown(value) for value in values] for name, values in members.items()}
    parts = [
        Part(_pointer(name, number, len(values)), *value)
        for name, values in members.items()
        for number, value in enumerate(values)
        if isinstance(value, Upload)
    ]
    return orjson.dumps({name: found if len(found) > 1 else found[0] for name, found in shown.items()}), tuple(parts)


def _has_exactly(parts: int, body: bytes, delimiter: bytes) -> bool:
    """Whether there are so many parts, with one end behind them, whoever reads it."""
    ends = body.count(delimiter + b"--") == 1 and body.rpartition(delimiter)[2].startswith(b"--")
    return ends and body.count(delimiter) == parts + 1


def _text(name: str, value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        pointer = _pointer(name, 0, 1)
        raise BadInput("The form can't be read.", field_errors=[FieldError(pointer, "must be UTF-8")]) from None


def _upload(file: Any) -> Upload:
    told = file.content_type or ""
    content_type = told if _MEDIA_TYPE.fullmatch(told) else "application/octet-stream"
    return Upload(file.name[:LONGEST_FILENAME], content_type, file.read())


def _shown(value: str | Upload) -> Any:
    if isinstance(value, str):
        return value
    told = {"filename": value.filename, "content_type": value.content_type, "bytes": len(value.data)}
    return told | {"sha256": hashlib.sha256(value.data).hexdigest()}


def _pointer(name: str, number: int, count: int) -> str:
    """RFC 6901."""
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"/{escaped}/{number}" if count > 1 else f"/{escaped}"
