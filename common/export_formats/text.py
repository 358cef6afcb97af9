"""Text formats: NDJSON and CSV."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from common.export_formats import Line
from common.responses import as_json

# https://owasp.org/www-community/attacks/CSV_Injection, and the full-width forms, which Excel takes for the same.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
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

    For spreadsheets there are two options. With `bom` the file begins with a byte order mark: without one, Excel reads
    it in the computer's own encoding. With `safe_cells` an apostrophe is put before texts that could be formulas, which
    changes these texts.
    """

    torn = f'"{TORN}'.encode()

    def __init__(self, kind: type[Any], *, bom: bool = False, safe_cells: bool = False) -> None:
        self._names = kind._fields
        self._mark = BOM_UTF8 if bom else b""
        self._cells = _safe_cells if safe_cells else _cells

    def begin(self) -> bytes:
        """The header."""
        return self._mark + _records([self._names])

    def add(self, rows: Sequence[Line]) -> bytes:
        """One line per row, with timestamps as in history."""
        return _records(map(self._cells, rows))  # lazily, because `writerows` on a list would block other threads

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _records(records: Iterable[Sequence[object]]) -> bytes:
    buffer = StringIO(newline="")
    csv.writer(buffer).writerows(records)
    return buffer.getvalue().encode()


def _cells(row: Line) -> list[object]:
    return [cell.isoformat().replace("+00:00", "Z") if isinstance(cell, datetime) else cell for cell in row]


def _safe_cells(row: Line) -> list[object]:
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in _cells(row)]
