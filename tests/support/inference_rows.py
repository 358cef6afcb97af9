"""Inserts inference rows: one with given values, or many with one statement."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from common.ids import uuid7
from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording.lookups import lookup

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

_COLUMNS = (
    "id, predicted_at, created_at, doctor_name, patient_name, input_data, output_data, latency_ms, model_name, "
    "model_version, request_id, caller, payload_bytes, doctor_key, patient_key"
)
_REST = (
    "'{{\"i\": ' || i || '}}', '{{}}', 1.5, {model}, '7', 'r' || i, '', 12, "
    "(SELECT doctor FROM name_keys WHERE number = i), (SELECT patient FROM name_keys WHERE number = i)"
)
_NAMES = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
        "SELECT i, {doctor}, {patient} FROM n"
    ),
    "postgresql": "SELECT i, {doctor}, {patient} FROM generate_series(0, {count} - 1) AS i",
}
_MANY = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
        "INSERT INTO ml_proxy_inferencelog ({columns}) SELECT printf('%032x', i), "
        "datetime({start}, 'unixepoch', i || ' seconds'), datetime({start}, 'unixepoch'), {doctor}, {patient}, {rest} "
        "FROM n"
    ),
    "postgresql": (
        "INSERT INTO ml_proxy_inferencelog ({columns}) SELECT lpad(to_hex(i), 32, '0')::uuid, "
        "to_timestamp({start}) + i * interval '1 second', to_timestamp({start}), {doctor}, {patient}, {rest} "
        "FROM generate_series(0, {count} - 1) AS i"
    ),
}

# JSON texts that careless code would change.
FRAGMENTS = {
    "escapes": r'{"a":"\u0041\/\b\f\n\r\t\\\"\u20ac"}',
    "a NUL escape": r'"\u0000"',
    "a lone surrogate": r'["\ud800", "\udc00\ud800"]',
    "an emoji twice": '["\U0001f600", "\\ud83d\\ude00"]',
    "a number of 400 digits": f"[{'7' * 400}, -0.{'3' * 400}]",
    "numbers that no double holds": "[1e999, -1E-999, 1e+400, 0.1000000000000000055511151231257827]",
    "minus zero": "[-0, -0.0, -0e0]",
    "depth": "[" * 512 + "]" * 512,
    "members given twice": '{"a": 1, "a": 2, "": 3}',
    "spaces": ' {\t"a"\r\n:\n[ ] , "b" : { } } ',
    "separators that JavaScript minds": '"\u2028\u2029\x7f\u0085"',
    "markup": '"</script><!--"',
    "a literal": "null",
}


def record_of(row: InferenceLog) -> InferenceRecord:
    """The record that became a row."""
    return InferenceRecord(**{name: getattr(row, name) for name in InferenceRecord.field_names()})


def insert_row(**values: Any) -> InferenceRecord:
    """Inserts one row; returns its record."""
    defaults: dict[str, Any] = {
        "id": uuid7(),
        "doctor_name": "Dr. Kim",
        "patient_name": "Lee",
        "input_data": "{}",
        "output_data": "{}",
        "predicted_at": NOON,
        "latency_ms": 1.5,
        "model_name": "stub",
        "model_version": "7",
        "request_id": "r",
        "caller": "",
    }
    record = InferenceRecord(**defaults | values)
    size = len(record.input_data.encode()) + len(record.output_data.encode())
    InferenceLog.objects.create(
        **{name: getattr(record, name) for name in InferenceRecord.field_names()}, payload_bytes=size
    )
    return record


def insert_rows(count: int, *, doctor: str, patient: str, model: str = "'stub'", start: datetime = NOON) -> None:
    """Inserts rows 0 to `count` - 1, one second apart from `start` on, with their number as id.

    `doctor`, `patient` and `model` are SQL expressions over the row's number `i`.
    """
    rest, begin = _REST.format(model=model), int(start.timestamp())
    statement = _MANY[connection.vendor].format(
        count=count, columns=_COLUMNS, rest=rest, start=begin, doctor=doctor, patient=patient
    )
    with connection.cursor() as cursor:
        cursor.execute(_NAMES[connection.vendor].format(count=count, doctor=doctor, patient=patient))
        hashes = [(i, lookup("doctor_name", one), lookup("patient_name", two)) for i, one, two in cursor.fetchall()]
        kind, is_lite = ("char(32)", True) if connection.vendor == "sqlite" else ("uuid", False)
        cursor.execute(f"CREATE TEMPORARY TABLE name_keys (number integer PRIMARY KEY, doctor {kind}, patient {kind})")
        values = [(i, one.hex, two.hex) if is_lite else (i, one, two) for i, one, two in hashes]
        cursor.executemany("INSERT INTO name_keys VALUES (%s, %s, %s)", values)
        cursor.execute(statement)
        cursor.execute("DROP TABLE name_keys")
        cursor.execute("ANALYZE ml_proxy_inferencelog")
