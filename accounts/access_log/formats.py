"""Files of the access log: CSV with the columns that access records are asked for, NDJSON, and FHIR AuditEvents."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from accounts.access_log.audit_event import audit_event
from accounts.access_log.source import AccessRow
from common.export_formats import Form
from common.export_formats.text import CSV, NDJSON
from common.responses import as_json

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
    """CSV with readable columns."""

    def __init__(self, kind: type[Any], **options: bool) -> None:
        super().__init__(kind, **options)
        self._names = tuple(COLUMNS)

    def add(self, rows: Sequence[Any]) -> bytes:
        """One line per row."""
        return super().add([self._line(row) for row in rows])

    def _line(self, row: AccessRow) -> Any:
        cells = [getattr(row, column) for column in COLUMNS.values()]
        for number, column in enumerate(COLUMNS.values()):
            if column in {"patients", "doctors"}:
                cells[number] = "; ".join(json.loads(cells[number]))
        return cells


class AuditEvents(NDJSON):
    """One FHIR AuditEvent per line."""

    def add(self, rows: Sequence[Any]) -> bytes:
        """One line per row."""
        return b"".join(as_json(audit_event(row)) + b"\n" for row in rows)


FORMS: Mapping[str, Form] = {
    "ndjson": Form("application/x-ndjson", "common.export_formats.text.NDJSON", "ndjson"),
    "csv": Form("text/csv; charset=utf-8", "accounts.access_log.formats.AccessCSV", "csv"),
    "fhir": Form("application/fhir+ndjson", "accounts.access_log.formats.AuditEvents", "fhir.ndjson"),
}
