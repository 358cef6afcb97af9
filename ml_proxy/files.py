"""A record's files: what the log holds of bytes that lie in the storage.

It is a column of its own and never read out of what a caller sent, who could name another's file there.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import orjson

Content: TypeAlias = bytes  # a file has a member of that name

WHOLE = ""  # the JSON pointer to all of an input

_KEY = re.compile(r"inputs/\d{4}/\d{2}/[0-9a-f-]{36}/[a-z0-9.]{1,12}")


class Part(NamedTuple):
    """A file that came with a request."""

    pointer: str
    filename: str
    content_type: str
    data: bytes


class File(NamedTuple):
    """A file in the storage: where in `input_data` it belongs (a JSON pointer), its key there, and what it is."""

    pointer: str
    key: str
    filename: str
    content_type: str
    bytes: int
    sha256: str

    def is_of(self, content: Content) -> bool:
        """Whether these are its bytes."""
        return len(content) == self.bytes and hashlib.sha256(content).hexdigest() == self.sha256


def describe(inference_id: UUID, parts: Sequence[Part]) -> str:
    """The column's text for the files of one inference. The same request under the same id has the same keys."""
    folder = f"inputs/{_minted(inference_id):%Y/%m}/{inference_id}"
    found = [
        File(
            pointer=part.pointer,
            key=f"{folder}/{number if part.pointer else 'body.json'}",
            filename=part.filename,
            content_type=part.content_type,
            bytes=len(part.data),
            sha256=hashlib.sha256(part.data).hexdigest(),
        )
        for number, part in enumerate(parts)
    ]
    return orjson.dumps([file._asdict() for file in found]).decode()


def read(text: str) -> tuple[File, ...]:
    """The files that a column tells of; none for a blank one. Raises `ValueError` or `TypeError`."""
    found = tuple(File(**members) for members in orjson.loads(text)) if text else ()
    for file in found:
        if not _KEY.fullmatch(file.key) or type(file.bytes) is not int:
            raise ValueError("a file's key or size is none")
    return found


def whole(text: str) -> File | None:
    """The file that is all of the input, where there is one."""
    return next((file for file in read(text) if file.pointer == WHOLE), None) if text else None


def _minted(inference_id: UUID) -> datetime:
    """When a UUIDv7 was."""
    return datetime.fromtimestamp((inference_id.int >> 80) / 1000, UTC)
