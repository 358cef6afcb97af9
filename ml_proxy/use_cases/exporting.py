"""The log, or what a question finds of it, as one file of any size, made in the memory of a page or two."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ml_proxy.exporting import Form, Writer
from ml_proxy.rows import Line, Row
from ml_proxy.use_cases import history
from ml_proxy.use_cases.history import MOST_ROWS, Question


class Piece(NamedTuple):
    """What comes next of the file, and how many rows were read for it."""

    data: bytes
    rows: int


def export(question: Question, form: Form) -> Iterator[Piece]:
    """The log's rows, in history's order and without a limit."""
    return pieces(history.pages(replace(question, limit=MOST_ROWS)), form.writer(Row))


def pieces(pages: Iterator[Sequence[Line]], writer: Writer) -> Iterator[Piece]:
    """The file of all these rows, one page at least. Raises what `pages` raises: Django's database errors.

    The first piece is not there before the database has answered. Where something fails behind it, the last piece
    before the exception spoils the file: a server may end the answer as if it were whole.
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
