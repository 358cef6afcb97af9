"""Exports rows as one file of any size, with the memory of one or two pages."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from common.access import NOBODY, Subjects, subjects_of
from common.export_formats import Writer


class Piece(NamedTuple):
    """The next part of the file, the number of rows read for it, and the people that these rows name."""

    data: bytes
    rows: int
    subjects: Subjects = NOBODY


def pieces(pages: Iterator[Sequence[Any]], writer: Writer) -> Iterator[Piece]:
    """The parts of the file; `pages` has at least one page. Raises Django's database errors from `pages`.

    The first part follows the first page, so an unavailable database fails before any output. After a later failure,
    the last part makes the file invalid, because a server may end the response as if it were complete.
    """
    rows = next(pages)
    yield Piece(writer.begin() + writer.add(rows), len(rows), subjects_of(rows))
    try:
        for rows in pages:
            yield Piece(writer.add(rows), len(rows), subjects_of(rows))
        yield Piece(writer.end(), 0)
    except Exception:
        yield Piece(writer.torn, 0)
        raise
