"""Files of the access log: CSV with the columns that access records are asked for, NDJSON, and FHIR AuditEvents."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.access_log.audit_event import audit_event
from accounts.access_log.source import AccessRow
from common.export_formats import Form, Writer
from common.export_formats.text import CSV, NDJSON
from common.responses import as_json

BOM = b"\xef\xbb\xbf"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins so

# The first six are what the Korean standard asks for: account, time, place, data subject, work done; and why.
COLUMNS = {
    "account": "account",
    "time": "recorded_at",
    "address": "address",
    "subject": "patients",
    "action": "action",
    "reason": "purpose",
    "doctors": "doctors",
    "rows": "row_count",
    "status": "status",
    "detail": "detail",
    "token": "token_id",
    "method": "method",
    "route": "route",
    "filter": "filters",
    "request_id": "request_id",
    "id": "id",
}


class AccessCSV(CSV):
    """CSV with readable columns. `bom` adds a byte order mark; `safe` puts a ' before what a spreadsheet would run."""

    def __init__(self, *, bom: bool, safe: bool) -> None:
        self._names = tuple(COLUMNS)
        self._bom, self._safe = bom, safe

    def begin(self) -> bytes:
        """The header."""
        return (BOM if self._bom else b"") + super().begin()

    def add(self, rows: Sequence[Any]) -> bytes:
        """One line per row."""
        return super().add([self._line(row) for row in rows])

    def _line(self, row: AccessRow) -> Any:
        cells = [getattr(row, column) for column in COLUMNS.values()]
        for number, column in enumerate(COLUMNS.values()):
            if column in {"patients", "doctors"}:
                cells[number] = "; ".join(json.loads(cells[number]))
        return [_safe(cell) for cell in cells] if self._safe else cells


class AuditEvents(NDJSON):
    """One FHIR AuditEvent per line."""

    def add(self, rows: Sequence[Any]) -> bytes:
        """One line per row."""
        return b"".join(as_json(audit_event(row)) + b"\n" for row in rows)


@dataclass(frozen=True)
class AccessForm(Form):
    """A file format of the access log, and the options of its CSV."""

    bom: bool = False
    safe: bool = False

    def writer(self, kind: type[Any]) -> Writer:
        """A writer for a new file."""
        if self.path == "csv":
            return AccessCSV(bom=self.bom, safe=self.safe)
        return AuditEvents(kind) if self.path == "fhir" else NDJSON(kind)


FORMS: Mapping[str, AccessForm] = {
    "ndjson": AccessForm("application/x-ndjson", "ndjson", "ndjson"),
    "csv": AccessForm("text/csv; charset=utf-8", "csv", "csv"),
    "fhir": AccessForm("application/fhir+ndjson", "fhir", "fhir.ndjson"),
}
DEFAULT = "ndjson"


def _safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
