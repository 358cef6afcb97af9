"""The log, or what a question finds of it, as one file of any size, made in the memory of a page or two."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from ml_proxy.exporting import Form
from ml_proxy.use_cases import history
from ml_proxy.use_cases.history import MOST_ROWS, Question


class Piece(NamedTuple):
    """What comes next of the file, and how many rows were read for it."""

    data: bytes
    rows: int


def export(question: Question, form: Form) -> Iterator[Piece]:
    """The file in pieces, in history's order and without a limit. Raises Django's database errors.

    The first piece is not there before the database has answered. Where something fails behind it, the last piece
    before the exception spoils the file: a server may end the answer as if it were whole.
    """
    writer = form.writer()
    pages = history.pages(replace(question, limit=MOST_ROWS))
    rows = next(pages)
    yield Piece(writer.begin() + writer.add(rows), len(rows))
    try:
        for rows in pages:
            yield Piece(writer.add(rows), len(rows))
        yield Piece(writer.end(), 0)
    except Exception:
        yield Piece(writer.torn, 0)
        raise
