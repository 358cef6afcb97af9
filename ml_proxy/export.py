"""Exports the log of inferences, or the rows that match a filter, as one file."""

from collections.abc import Iterator
from dataclasses import replace

from common.export import Piece, pieces
from common.export_formats import Form
from common.paging import MAX_ROWS
from ml_proxy.history import HISTORY
from recording.history import HistoryFilter


def export(query: HistoryFilter, form: Form) -> Iterator[Piece]:
    """Yields all matching rows in history's order."""
    return pieces(HISTORY.pages(replace(query, limit=MAX_ROWS)), form.writer(HISTORY.row))
