"""Text: an object, or a record of cells, on each line."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from common.export_formats import Line
from common.responses import as_json

TORN = "This export broke off here: rows are missing."


class NDJSON:
    """One JSON object on each line; of the log's rows, with the members that history has."""

    torn = f'{{"error": "{TORN}'.encode()

    def __init__(self, kind: type[Any]) -> None:
        """Each row names its own members."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def add(self, rows: Sequence[Line]) -> bytes:
        """A line for each row. A line feed in a stored text stands between tokens, where any blank will do."""
        return b"".join(as_json(row.described()).replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for row in rows)

    def end(self) -> bytes:
        """Nothing."""
        return b""


class CSV:
    """RFC 4180: a head with the columns' names, UTF-8, every text as it is.

    A text that a spreadsheet would take for a formula is left as it is too: what guards against that changes values.
    """

    torn = f'"{TORN}'.encode()

    def __init__(self, kind: type[Any]) -> None:
        self._names = kind._fields

    def begin(self) -> bytes:
        """The columns' names."""
        return _records([self._names])

    def add(self, rows: Sequence[Line]) -> bytes:
        """A record for each row, moments written as in history."""
        return _records(map(_cells, rows))  # one by one: writing a list, it would keep other threads from running

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _records(records: Iterable[Sequence[object]]) -> bytes:
    written = StringIO(newline="")
    csv.writer(written).writerows(records)
    return written.getvalue().encode()


def _cells(row: Line) -> list[object]:
    return [cell.isoformat().replace("+00:00", "Z") if isinstance(cell, datetime) else cell for cell in row]
