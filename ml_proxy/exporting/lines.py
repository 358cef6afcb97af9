"""Text: an object, or a record of cells, on each line."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from ml_proxy.rows import Row, as_json, described

TORN = "This export broke off here: rows are missing."


class NDJSON:
    """One JSON object on each line, with the members that history has."""

    torn = f'{{"error": "{TORN}'.encode()

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def add(self, rows: Sequence[Row]) -> bytes:
        """A line for each row. A line feed in a stored text stands between tokens, where any blank will do."""
        return b"".join(as_json(described(row)).replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for row in rows)

    def end(self) -> bytes:
        """Nothing."""
        return b""


class CSV:
    """RFC 4180: a head with the columns' names, UTF-8, every text as it is.

    A text that a spreadsheet would take for a formula is left as it is too: what guards against that changes values.
    """

    torn = f'"{TORN}'.encode()

    def begin(self) -> bytes:
        """The columns' names."""
        return _records([Row._fields])

    def add(self, rows: Sequence[Row]) -> bytes:
        """A record for each row, moments written as in history."""
        return _records(map(_cells, rows))  # one by one: writing a list, it would keep other threads from running

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _records(records: Iterable[Sequence[object]]) -> bytes:
    written = StringIO(newline="")
    csv.writer(written).writerows(records)
    return written.getvalue().encode()


def _cells(row: Row) -> Row:
    moments = {name: getattr(row, name).isoformat().replace("+00:00", "Z") for name in ("created_at", "predicted_at")}
    return row._replace(**moments)
