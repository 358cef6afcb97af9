"""Descriptors of attachments: what a row stores about files in the storage.

They have their own column, `files`, and are never read from a caller's input, which could name another caller's
attachment.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import orjson

Content: TypeAlias = bytes  # an alias, because `Attachment` has a member `bytes`

WHOLE = ""  # the JSON pointer to the whole input

_KEY = re.compile(r"inputs/\d{4}/\d{2}/[0-9a-f-]{36}/[a-z0-9.]{1,12}")


class Part(NamedTuple):
    """A file that came with a request."""

    pointer: str
    filename: str
    content_type: str
    data: bytes


class Attachment(NamedTuple):
    """A file in the storage: its place in the input (a JSON pointer), its key in the storage, and its properties."""

    pointer: str
    key: str
    filename: str
    content_type: str
    bytes: int
    sha256: str

    def matches(self, content: Content) -> bool:
        """Whether size and SHA-256 match."""
        return len(content) == self.bytes and hashlib.sha256(content).hexdigest() == self.sha256


def describe(row_id: UUID, parts: Sequence[Part]) -> str:
    """The column's text for one row's attachments. The same request with the same id has the same keys."""
    folder = f"inputs/{_created_at(row_id):%Y/%m}/{row_id}"
    attachments = [
        Attachment(
            pointer=part.pointer,
            key=f"{folder}/{number if part.pointer else 'body.json'}",
            filename=part.filename,
            content_type=part.content_type,
            bytes=len(part.data),
            sha256=hashlib.sha256(part.data).hexdigest(),
        )
        for number, part in enumerate(parts)
    ]
    return orjson.dumps([attachment._asdict() for attachment in attachments]).decode()


def read(text: str) -> tuple[Attachment, ...]:
    """The attachments that a column describes; none if it is blank. Raises `ValueError` or `TypeError`."""
    attachments = tuple(Attachment(**members) for members in orjson.loads(text)) if text else ()
    for attachment in attachments:
        if not _KEY.fullmatch(attachment.key) or type(attachment.bytes) is not int:
            raise ValueError("the key or size of an attachment is invalid")
    return attachments


def whole(text: str) -> Attachment | None:
    """The attachment that is the whole input, or None."""
    return next((each for each in read(text) if each.pointer == WHOLE), None) if text else None


def _created_at(row_id: UUID) -> datetime:
    """The time in a UUIDv7."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)
