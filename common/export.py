"""Rows as one file of any size, made in the memory of a page or two."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from common.export_formats import Writer


class Piece(NamedTuple):
    """What comes next of the file, and how many rows were read for it."""

    data: bytes
    rows: int


def pieces(pages: Iterator[Sequence[Any]], writer: Writer) -> Iterator[Piece]:
    """The file of all these rows, one page at least. Raises what `pages` raises: Django's database errors.

    The first piece is there only once the database has answered. Where something fails later, the last piece before the
    exception spoils the file: a server may end the answer as if it were whole.
    """
    rows = next(pages)
    yield Piece(writer.begin() + writer.add(rows), len(rows))
    try:
        for rows in pages:
            yield Piece(writer.add(rows), len(rows))
        yield Piece(writer.end(), 0)
    except Exception:
        yield Piece(writer.torn, 0)
        raise
