"""Records: the encoding of an event between gateway and worker, and the bytes that a seal covers.

Each source derives a frozen dataclass from `SealableRecord`. Its fields have the types `str`, `int`, `float`, `bool`,
`datetime` or `UUID`. `SEALED` lists, for each version, the fields that a seal covers. To add a field, add a version:
rows of older versions still verify.
"""

import math
import re
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple, Self, get_type_hints
from uuid import UUID

import orjson
import pybase64

from common import encryption

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_HEAD = re.compile(rb'\{"source":"([a-z0-9_.]{1,100})","version":(\d{1,4}),')
_TRACED = re.compile(_HEAD.pattern + rb'"traceparent":"([0-9a-f-]{55})"')
_PUBLIC = re.compile(_HEAD.pattern + rb'(?:"traceparent":"[0-9a-f-]{55}",)?')
_ENCRYPTED = re.compile(_PUBLIC.pattern + rb'(?:"(has_contents)":true,)?(?=\x1f)')  # no JSON text has this byte
_HAS_CONTENTS, _END = b'"has_contents":true,', b"}"
_LENGTH = struct.Struct(">I")


class BadRecord(ValueError):
    """The bytes are not a valid record. The error text quotes nothing of them."""


class UnsupportedRecord(Exception):
    """The record's source or version is unknown to this process: a newer worker has to write it."""


@dataclass(frozen=True, kw_only=True)
class SealableRecord:
    """The base of all records: an id that was minted before the model was called, and the source's own fields."""

    SOURCE: ClassVar[str]
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]]
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {}  # characters, by text field; other texts are unlimited

    id: UUID

    @classmethod
    def version(cls) -> int:
        """The newest version, which new records have."""
        return max(cls.SEALED)

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of its fields, which are also its table's columns."""
        return tuple(field.name for field in _fields(cls))  # type: ignore[arg-type] # classes are hashable

    @property
    def payload_bytes(self) -> int:
        """The UTF-8 size of its texts; it limits the size of a page of rows."""
        return sum(len(text.encode()) for text in _texts_of(self))

    def encode(self, traceparent: str = "", contents: Sequence[bytes] = ()) -> bytes:
        """UTF-8 JSON on one line; `decode` returns an equal record.

        A W3C `traceparent` and the `contents` of attachments travel with the record, but no seal covers them and the
        row does not store them. `traceparent_of` and `without_contents` read them.
        """
        members: dict[str, Any] = {"source": self.SOURCE, "version": self.version()}
        if traceparent:
            members["traceparent"] = traceparent
        members |= vars(self)
        if contents:
            members["contents"] = [pybase64.b64encode_as_string(content) for content in contents]
        return orjson.dumps(members)

    def content(self, version: int | None = None) -> bytes:
        """The bytes that a seal of `version` covers (default: the newest), in a canonical encoding.

        Raises `UnsupportedRecord` for an unknown version.
        """
        return self.content_of(vars(self), self.version() if version is None else version)

    @classmethod
    def content_of(cls, values: Mapping[str, Any], version: int) -> bytes:
        """As `content`, of the record that would have these values. Raises `UnsupportedRecord`."""
        return _layout(cls, version).pack(values)  # type: ignore[arg-type] # classes are hashable

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Decodes what `encode` wrote. Raises `BadRecord`, or `UnsupportedRecord` for a newer version."""
        try:
            members: dict[str, Any] = orjson.loads(raw)
            _require_known(cls, members.pop("source"), members.pop("version"))
            members.pop("traceparent", None)
            members.pop("contents", None)
            record = cls(**_taken(members, _fields(cls)))  # type: ignore[arg-type] # classes are hashable
        except (BadRecord, UnsupportedRecord):
            raise
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as exc:
            raise BadRecord(f"the record can't be read ({type(exc).__name__})") from None
        if members:
            raise BadRecord("the record has unknown members")
        return record


def source_of(encoded: bytes) -> tuple[str, int]:
    """The source's name and the version of an encoded record. Raises `BadRecord`."""
    match = _HEAD.match(encoded)
    if match is None:
        raise BadRecord("the record names no source")
    return match[1].decode(), int(match[2])


def traceparent_of(encoded: bytes) -> str:
    """The `traceparent` of an encoded record; blank if it has none, or if the bytes are not a record."""
    match = _TRACED.match(encoded)
    return match[3].decode() if match else ""


def has_contents(encoded: bytes) -> bool:
    """Whether an encoded record carries its attachments' contents. No text of a record has these bytes unescaped."""
    match = _ENCRYPTED.match(encoded)
    return bool(match[3]) if match else b',"contents":[' in encoded


def encrypted(encoded: bytes) -> bytes:
    """An encoded record as the journal and Redis hold it: encrypted if there are `DATA_KEYS`.

    Its source, its version, its `traceparent`, and whether it has contents stay readable, and are authenticated.
    """
    keys = encryption.keys()
    if keys is None:
        return encoded
    match = _PUBLIC.match(encoded)
    if match is None:
        raise BadRecord("the record names no source")
    head = match[0] + _HAS_CONTENTS if has_contents(encoded) else match[0]
    return b"".join((head, encryption.envelope(keys, encoded, head), _END))  # a segment must not end like its filler


def decrypted(encoded: bytes) -> bytes:
    """What `encrypted` was given; the bytes as they are if they are not encrypted, or were changed: no record then.

    Raises `UnknownDataKey`.
    """
    match = _ENCRYPTED.match(encoded)
    if match is None:
        return encoded
    try:
        return encryption.decrypted(encoded[match.end() : -len(_END)], match[0])
    except encryption.Undecryptable:
        return encoded


def without_contents(encoded: bytes) -> tuple[bytes, list[bytes]]:
    """An encoded record without its attachments' contents, and these. Raises `BadRecord`."""
    try:
        members = orjson.loads(encoded)
        contents = members.pop("contents")
        if not isinstance(contents, list):
            raise TypeError
        return orjson.dumps(members), [pybase64.b64decode(text, validate=True) for text in contents]
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise BadRecord(f"the contents of its attachments can't be read ({type(exc).__name__})") from None


def data_key_of(encoded: bytes) -> str:
    """The id of the data key that an encoded record is encrypted with; blank for a clear one."""
    match = _ENCRYPTED.match(encoded)
    start = match.end() + len(encryption.BYTES) if match else 0
    return encoded[start : match.end() + encryption.HEAD_LENGTH].decode("latin-1") if match else ""


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, as seals use them."""
    return (moment - EPOCH) // MICROSECOND


def _require_known(cls: type[SealableRecord], source: Any, version: Any) -> None:
    if source != cls.SOURCE:
        raise BadRecord("the record comes from another source")
    if type(version) is not int:
        raise BadRecord("the record's version is not a number")
    if version not in cls.SEALED:
        raise UnsupportedRecord(f"version {version} of {cls.SOURCE} is unknown here: upgrade the worker")


class _Field(NamedTuple):
    """How one field is decoded."""

    name: str
    read: Callable[[Any], Any]
    default: Any


def _taken(members: dict[str, Any], wanted: Iterable[_Field]) -> dict[str, Any]:
    """Removes the fields from the decoded members. Raises `KeyError` if one is missing and has no default."""
    return {
        name: read(members.pop(name)) if name in members or default is MISSING else default
        for name, read, default in wanted
    }


@cache
def _fields(cls: type[SealableRecord]) -> tuple[_Field, ...]:
    hints = get_type_hints(cls)
    return tuple(_Field(each.name, _reader(cls, each.name, hints[each.name]), each.default) for each in fields(cls))


def _reader(cls: type[SealableRecord], name: str, kind: Any) -> Callable[[Any], Any]:
    if kind is str:
        return _text_of(cls.MAX_LENGTHS.get(name, sys.maxsize))
    return _READERS[kind]


def _text_of(most: int) -> Callable[[Any], str]:
    """Reads a text that PostgreSQL accepts; SQLite would accept any, but the same rule applies there."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise BadRecord("a text has the wrong type")
        if "\0" in value or len(value) > most:
            raise BadRecord("a text is too long, or contains NUL")
        return value

    return read


def _datetime(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise BadRecord("a time has no offset")
    return moment.astimezone(UTC)  # here, so that a time outside UTC's range is a bad record


def _float(value: Any) -> float:
    if type(value) not in {int, float} or not math.isfinite(value):
        raise BadRecord("a number has the wrong type")
    return float(value)


def _integer(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise BadRecord("an integer has the wrong type, or is out of range")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise BadRecord("a boolean has the wrong type")
    return value


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    UUID: UUID,
    datetime: _datetime,
    float: _float,
    int: _integer,
    bool: _boolean,
}
# How a value of a fixed size is packed: the `struct` format code, and the conversion of the value.
_PACKED: Mapping[Any, tuple[str, Callable[[Any], Any]]] = {
    UUID: ("16s", attrgetter("bytes")),
    datetime: ("q", microseconds),
    float: ("d", float),
    int: ("q", int),
    bool: ("?", bool),
}


class _Layout:
    """The encoding of one version: source and version, the fixed-size fields, then each text with its length."""

    def __init__(self, cls: type[SealableRecord], version: int) -> None:
        hints = get_type_hints(cls)
        sealed = cls.SEALED[version]
        self._texts = [name for name in sealed if hints[name] is str]
        self._fixed = [(name, _PACKED[hints[name]][1]) for name in sealed if hints[name] is not str]
        codes = "".join(_PACKED[hints[name]][0] for name, _ in self._fixed)
        self._struct = struct.Struct(f">{codes}")
        source = cls.SOURCE.encode()
        self._prefix = _LENGTH.pack(len(source)) + source + _LENGTH.pack(version)

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """The bytes of one record's values."""
        parts = [self._prefix, self._struct.pack(*[convert(values[name]) for name, convert in self._fixed])]
        for name in self._texts:
            text = values[name].encode()
            parts += (_LENGTH.pack(len(text)), text)
        return b"".join(parts)


@cache
def _layout(cls: type[SealableRecord], version: int) -> _Layout:
    if version not in cls.SEALED:
        raise UnsupportedRecord(f"version {version} of {cls.SOURCE} is unknown here: upgrade this process")
    return _Layout(cls, version)


def _texts_of(record: SealableRecord) -> list[str]:
    return [value for value in vars(record).values() if type(value) is str]
