"""Writes many records as rows with one statement, and commits the receipt with them."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, models, transaction

from ml_proxy.models import InferenceLog, Quarantined, Receipt
from ml_proxy.records import BadRecord, Record

log = logging.getLogger(__name__)


def write_batch(*, origin: UUID, first: int, payloads: Sequence[str]) -> int:
    """Settles an origin's records from number `first` on, and gives how many went into quarantine.

    All or nothing: rows, quarantine entries and receipt are one transaction. Writing the same batch again changes
    nothing. Raises `OperationalError` or `InterfaceError` where the database is not there; the records are kept by
    whoever sent them.
    """
    last = first + len(payloads) - 1
    with transaction.atomic():
        bad = _settle(origin, first, payloads)
        _insert_ignoring(Receipt, [Receipt(origin=origin, first=first, last=last)], ["origin", "first", "last"])
    return bad


def insert_rows(records: Sequence[Record]) -> None:
    """Inserts the records; one whose id is there already is left as it is. Raises `DatabaseError`."""
    now = datetime.now(UTC)
    _insert_ignoring(InferenceLog, [_row(record, now) for record in records], ["id"])


def _settle(origin: UUID, first: int, payloads: Sequence[str]) -> int:
    try:
        records = [Record.decode(payload) for payload in payloads]
        with transaction.atomic():
            insert_rows(records)
    except (OperationalError, InterfaceError):
        raise
    except (BadRecord, DatabaseError, ValueError):
        return sum(not _settle_one(origin, first + index, payload) for index, payload in enumerate(payloads))
    return 0


def _settle_one(origin: UUID, sequence: int, payload: str) -> bool:
    """Writes one record, or keeps it with its reason. Gives whether it became a row."""
    try:
        with transaction.atomic():
            insert_rows([Record.decode(payload)])
    except (OperationalError, InterfaceError):
        raise
    except (BadRecord, DatabaseError, ValueError) as exc:
        reason = str(exc) if isinstance(exc, BadRecord) else f"the database refuses it ({type(exc).__name__})"
        log.error("record %s of origin %s is quarantined: %s", sequence, origin, reason)
        kept = Quarantined(
            origin=origin,
            sequence=sequence,
            payload=payload.encode("utf-8", "surrogatepass"),
            reason=reason,
            created_at=datetime.now(UTC),
        )
        _insert_ignoring(Quarantined, [kept], ["origin", "sequence"])
        return False
    return True


def _row(record: Record, now: datetime) -> InferenceLog:
    return InferenceLog(
        id=record.id,
        doctor_name=record.doctor_name,
        patient_name=record.patient_name,
        input_data=record.input_data,
        output_data=record.output_data,
        created_at=now,
        predicted_at=record.predicted_at,
        latency_ms=record.latency_ms,
        model_name=record.model_name,
        model_version=record.model_version,
        request_id=record.request_id,
        caller=record.caller,
        payload_bytes=len(record.input_data.encode()) + len(record.output_data.encode()),
    )


def _insert_ignoring(model: type[models.Model], rows: Sequence[models.Model], key: Sequence[str]) -> None:
    """One INSERT that passes over conflicts on `key` alone.

    `bulk_create(ignore_conflicts=True)` becomes INSERT OR IGNORE on SQLite, which also swallows NOT NULL and CHECK
    violations: a record would be lost in silence.
    """
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]  # noqa: SLF001
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(f"({', '.join(['%s'] * len(fields))})" for _ in rows)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    table = quote(model._meta.db_table)  # noqa: SLF001 - Django documents _meta as public
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) VALUES {marks} ON CONFLICT ({', '.join(map(quote, key))}) DO NOTHING",  # noqa: S608
            values,
        )
