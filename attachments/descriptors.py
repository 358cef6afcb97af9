"""Descriptors of attachments: what a row holds of bytes that lie in the storage.

They are a column of their own, `files`, and are never read out of what a caller sent: a caller could name another's
attachment there.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import orjson

Content: TypeAlias = bytes  # an attachment has a member of that name

WHOLE = ""  # the JSON pointer to all of an input

_KEY = re.compile(r"inputs/\d{4}/\d{2}/[0-9a-f-]{36}/[a-z0-9.]{1,12}")


class Part(NamedTuple):
    """A file that came with a request."""

    pointer: str
    filename: str
    content_type: str
    data: bytes


class Attachment(NamedTuple):
    """A file in the storage: where in the input it belongs (a JSON pointer), its key there, and what it is."""

    pointer: str
    key: str
    filename: str
    content_type: str
    bytes: int
    sha256: str

    def is_of(self, content: Content) -> bool:
        """Whether these are its bytes."""
        return len(content) == self.bytes and hashlib.sha256(content).hexdigest() == self.sha256


def describe(row_id: UUID, parts: Sequence[Part]) -> str:
    """The column's text for the attachments of one row. The same request under the same id has the same keys."""
    folder = f"inputs/{_minted(row_id):%Y/%m}/{row_id}"
    found = [
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
    return orjson.dumps([attachment._asdict() for attachment in found]).decode()


def read(text: str) -> tuple[Attachment, ...]:
    """The attachments that a column describes; none for a blank one. Raises `ValueError` or `TypeError`."""
    found = tuple(Attachment(**members) for members in orjson.loads(text)) if text else ()
    for attachment in found:
        if not _KEY.fullmatch(attachment.key) or type(attachment.bytes) is not int:
            raise ValueError("the key or size of an attachment can't be used")
    return found


def whole(text: str) -> Attachment | None:
    """The attachment that is all of the input, where there is one."""
    return next((each for each in read(text) if each.pointer == WHOLE), None) if text else None


def _minted(row_id: UUID) -> datetime:
    """When a UUIDv7 was minted."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)
