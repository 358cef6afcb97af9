"""The log of inferences, or what a filter finds of it, as one file."""

from collections.abc import Iterator
from dataclasses import replace

from common.export import Piece, pieces
from common.export_formats import Form
from common.paging import MAX_ROWS
from ml_proxy.history import HISTORY
from recording.history import HistoryFilter


def export(what: HistoryFilter, form: Form) -> Iterator[Piece]:
    """The rows, in history's order and without a limit."""
    return pieces(HISTORY.pages(replace(what, limit=MAX_ROWS)), form.writer(HISTORY.row))
