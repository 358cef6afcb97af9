"""Exports the log of inferences, or the rows that match a filter, as one file."""

from collections.abc import Iterator

from common.export import Piece
from common.export_formats import Form
from ml_proxy.history import HISTORY
from recording.history import HistoryFilter


def export(query: HistoryFilter, form: Form) -> Iterator[Piece]:
    """Yields all matching rows in history's order."""
    return HISTORY.export(query, form)
