"""A form as the log stores it: a JSON object, and its files beside it."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from attachments.descriptors import Part
from common.multipart import Upload, pointer


def as_json(fields: Iterable[tuple[str, str | Upload]]) -> tuple[bytes, tuple[Part, ...]]:
    """Returns the form as a JSON object, with arrays for repeated names; and its files, with pointers into it."""
    members: dict[str, list[str | Upload]] = {}
    for name, value in fields:
        members.setdefault(name, []).append(value)
    described = {name: [_described(value) for value in values] for name, values in members.items()}
    parts = [
        Part(pointer(name, number, len(values)), *value)
        for name, values in members.items()
        for number, value in enumerate(values)
        if isinstance(value, Upload)
    ]
    value_of = {name: values if len(values) > 1 else values[0] for name, values in described.items()}
    return orjson.dumps(value_of), tuple(parts)


def _described(value: str | Upload) -> Any:
    if isinstance(value, str):
        return value
    members = {"filename": value.filename, "content_type": value.content_type, "bytes": len(value.data)}
    return members | {"sha256": hashlib.sha256(value.data).hexdigest()}
