"""Reads access records from a journal, and makes rows of the access log."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from accounts.access_log.records import AccessRecord
from common.ids import uuid7
from recording import recorder
from recording.journal import Spool, journal_folder
from recording.records import decrypted, source_of

Noted = Callable[[], list[AccessRecord]]


def noted_in(state: Path) -> list[AccessRecord]:
    """The access records in the journal of a state folder, in the order in which they were written."""
    folder = state / "journal"
    names = Spool(folder).segments() if folder.exists() else []
    payloads = [decrypted(entry.payload) for name in names for entry in Spool(folder).entries(name)]
    return [AccessRecord.decode(raw) for raw in payloads if source_of(raw)[0] == AccessRecord.SOURCE]


def access_record(**changes: Any) -> AccessRecord:
    """A record of one look at a page; `patients` and `doctors` may be lists."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid7(now),
        "recorded_at": now,
        "account": "dr-kim",
        "token_id": "",
        "address": "192.0.2.7",
        "method": "GET",
        "route": "ml/v1/history/",
        "action": "inference.list",
        "filters": "{}",
        "row_count": 1,
        "patients": ["Lee"],
        "doctors": ["Dr. Kim"],
        "purpose": "",
        "status": 200,
        "detail": "",
        "request_id": "r",
    }
    values |= changes
    for name in ("patients", "doctors"):
        values[name] = orjson.dumps(values[name]).decode()
    return AccessRecord(**values)


def insert_access(**changes: Any) -> AccessRecord:
    """Writes a sealed row with its derived rows; returns its record."""
    record = access_record(**changes)
    recorder.record_as_row(record)
    return record


def forget_accesses() -> None:
    """Empties the journal, which has only accesses here: then all numbers that are known are rows."""
    recorder._writer().close()
    recorder._writer.cache_clear()  # origins of rows that are written directly go on
    shutil.rmtree(Path(settings.VAR_DIR) / "journal", ignore_errors=True)
    journal_folder().mkdir(parents=True)
