"""Results as text: CSV for spreadsheets, NDJSON for programs."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from common.export_formats.text import CSV, FORMULA
from text_to_sql.execution.result import Result
from text_to_sql.execution.values import as_text


def written(result: Result, *, bom: bool = False, safe_cells: bool = False) -> bytes:
    """CSV with a header. Dates and times are ISO 8601, bytes base64, decimals have all digits, NULL is empty."""
    names = [_safe(name) for name in result.names] if safe_cells else result.names
    writer = CSV(SimpleNamespace(_fields=names), bom=bom, safe_cells=safe_cells)  # type: ignore[arg-type]
    rows: Any = [tuple(map(_cell, row)) for row in result.values]
    return writer.begin() + writer.add(rows) + writer.end()


def lines(result: Result) -> bytes:
    """One JSON object per line."""
    return b"".join(row + b"\n" for row in result.rows)


def _cell(value: object) -> object:
    """Numbers stay numbers, so that nobody takes a negative one for a formula."""
    if isinstance(value, Decimal):
        return _Digits(value)
    return value if value is None or isinstance(value, bool | int | float) else as_text(value)


class _Digits(Decimal):
    """A decimal that is written without an exponent."""

    def __str__(self) -> str:
        return as_text(Decimal(self))


def _safe(name: str) -> str:
    """A column's name is the caller's own text, so it may be a formula too."""
    return f"'{name}" if name.startswith(FORMULA) else name
