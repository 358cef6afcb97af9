"""Text formats: NDJSON and CSV."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from common.export_formats import Line
from common.responses import as_json

TORN = "This export stopped early: rows are missing."


class NDJSON:
    """One JSON object per line, with the members that history has."""

    torn = f'{{"error": "{TORN}'.encode()

    def __init__(self, kind: type[Any]) -> None:
        """Ignores `kind`: each row names its own members."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def add(self, rows: Sequence[Line]) -> bytes:
        """One line per row. A line break in stored JSON is between tokens, so a blank can replace it."""
        return b"".join(as_json(row.described()).replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for row in rows)

    def end(self) -> bytes:
        """Nothing."""
        return b""


class CSV:
    """RFC 4180: a header with the column names, UTF-8, texts unchanged.

    Texts that a spreadsheet would run as formulas are unchanged too, because escaping would change values.
    """

    torn = f'"{TORN}'.encode()

    def __init__(self, kind: type[Any]) -> None:
        self._names = kind._fields

    def begin(self) -> bytes:
        """The header."""
        return _records([self._names])

    def add(self, rows: Sequence[Line]) -> bytes:
        """One line per row, with timestamps as in history."""
        return _records(map(_cells, rows))  # lazily, because `writerows` on a list would block other threads

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _records(records: Iterable[Sequence[object]]) -> bytes:
    buffer = StringIO(newline="")
    csv.writer(buffer).writerows(records)
    return buffer.getvalue().encode()


def _cells(row: Line) -> list[object]:
    return [cell.isoformat().replace("+00:00", "Z") if isinstance(cell, datetime) else cell for cell in row]
