"""A record: one inference on its way to the log."""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from ml_proxy import files
from ml_proxy.names import MAX_LENGTH

SOURCE = "ml_proxy.inference"
MOST_CHARACTERS = {
    "doctor_name": MAX_LENGTH,
    "patient_name": MAX_LENGTH,
    "model_name": 200,
    "model_version": 200,
    "request_id": 128,
    "caller": 150,
}


class BadRecord(ValueError):
    """The bytes are no record of this source. The message quotes nothing of them."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a row of the log is made of. `input_data` and `output_data` are JSON texts, as they came.

    `files` tells of what lies in the storage, as `ml_proxy.files` writes it; blank for nearly all records.
    """

    id: UUID
    doctor_name: str
    patient_name: str
    input_data: str
    output_data: str
    predicted_at: datetime
    latency_ms: float
    model_name: str
    model_version: str
    request_id: str
    caller: str
    files: str = ""

    def encode(self, traceparent: str = "", contents: Sequence[bytes] = ()) -> bytes:
        """UTF-8 JSON on one line; `decode` gives an equal record.

        A W3C `traceparent` and the `contents` of its files travel beside the record: no seal covers them, no row holds
        them, `traceparent_of` and `contents_of` find them.
        """
        trace = {"traceparent": traceparent} if traceparent else {}
        members = {"source": SOURCE, **trace, **vars(self)}
        if self.files:
            members["contents"] = [b64encode(content).decode() for content in contents]
        else:
            del members["files"]  # so that a worker of before there were files reads it too
        return orjson.dumps(members)

    def content(self) -> bytes:
        """What a seal covers: every field, in one byte form that no library's formatting can change.

        `files` only where there are any: so the seals of before there were files hold. It tells each one's SHA-256.
        """
        head = _CONTENT_HEAD.pack(self.id.bytes, _microseconds(self.predicted_at), self.latency_ms)
        parts = [head]
        for text in (*_texts_of(self), *([self.files] if self.files else [])):
            raw = text.encode()
            parts += _LENGTH.pack(len(raw)), raw
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes | str) -> "Record":
        """The record that `encode` wrote. Raises `BadRecord`."""
        try:
            found: dict[str, Any] = orjson.loads(raw)
            if found.pop("source") != SOURCE:
                raise BadRecord("the record comes from another source")
            found.pop("traceparent", None)
            found.pop("contents", None)
            texts = {name: _text(found.pop(name), MOST_CHARACTERS.get(name)) for name in _TEXTS}
            record = cls(
                id=UUID(found.pop("id")),
                predicted_at=_aware(found.pop("predicted_at")),
                latency_ms=_finite(found.pop("latency_ms")),
                files=_files(found.pop("files", "")),
                **texts,
            )
        except BadRecord:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as exc:
            raise BadRecord(f"the record can't be read ({type(exc).__name__})") from None
        if found:
            raise BadRecord("the record has members that are unknown here")
        return record


def traceparent_of(encoded: bytes) -> str:
    """What a record was encoded with beside itself; blank for none, and for what is no record."""
    found = _TRACED.match(encoded)
    return found[1].decode() if found else ""


def has_files(encoded: bytes) -> bool:
    """Whether an encoded record may have files; told without reading it, and never wrong where it says no."""
    return b'"files":' in encoded  # within a JSON string it would have a backslash


def contents_of(encoded: bytes, described: Sequence[files.File]) -> list[bytes]:
    """The bytes of the files that a record was encoded with, each as it is described. Raises `BadRecord`."""
    try:
        contents = [b64decode(text, validate=True) for text in orjson.loads(encoded)["contents"]]
    except (ValueError, TypeError, KeyError) as exc:
        raise BadRecord(f"the contents of its files can't be read ({type(exc).__name__})") from None
    if len(contents) != len(described) or not all(map(files.File.is_of, described, contents)):
        raise BadRecord("its files are not those that were sealed")
    return contents


_TRACED = re.compile(rb'\{"source":"[^"]*","traceparent":"([0-9a-f-]{55})"')
_CONTENT_HEAD = struct.Struct(">16sqd")
_LENGTH = struct.Struct(">I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS = tuple(field.name for field in fields(Record) if field.type in {str, "str"} and field.name != "files")
_texts_of = attrgetter(*_TEXTS)


def _text(value: Any, most: int | None) -> str:
    """Held to what PostgreSQL takes on SQLite too, which would take anything."""
    if not isinstance(value, str):
        raise BadRecord("a text is of another type")
    if "\0" in value or (most is not None and len(value) > most):
        raise BadRecord("a text is too long, or holds NUL")
    return value


def _files(value: Any) -> str:
    text = _text(value, None)
    files.read(text)
    return text


def _aware(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise BadRecord("a time has no offset")
    return moment.astimezone(UTC)  # here, where one that has no moment in UTC is told as a bad record


def _finite(value: Any) -> float:
    if type(value) not in {int, float}:
        raise BadRecord("a number is of another type")
    return float(value)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
