"""`GET /ml/v1/history/export/`: the same rows as history, for any number, size and content."""

import csv
import io
import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pyarrow as pa
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from psycopg.pq import TransactionStatus
from pyarrow import parquet
from pytest_django import Settings

from common.export_formats import FORMS
from common.file_response import ExportAborted
from common.paging import MAX_ROWS
from tests.support.databases import table_missing, with_database_down
from tests.support.gateway import assert_problem
from tests.support.inference_rows import FRAGMENTS, NOON, insert_row, insert_rows
from tests.support.system import ROOT

pytestmark = pytest.mark.django_db

HISTORY = "/ml/v1/history/"
EXPORT = f"{HISTORY}export/"
MIB = 1024 * 1024
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
EXACT = partial(json.loads, parse_int=str, parse_float=str)

Row = dict[str, Any]


def from_csv(body: bytes) -> list[Row]:
    """Returns the rows as a strict reader parses them."""
    rows = [*csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True)]
    assert all(None not in row and None not in row.values() for row in rows)
    return [_with_values(row) for row in rows]


def from_ndjson(body: bytes) -> list[Row]:
    """Returns the rows, one per line."""
    assert b"\r" not in body
    return [_as_kept(EXACT(line)) for line in body.removesuffix(b"\n").split(b"\n") if line]


def from_parquet(body: bytes) -> list[Row]:
    """Returns the rows, with times formatted as in history."""
    rows = parquet.read_table(io.BytesIO(body)).to_pylist()
    for row in rows:
        for name in ("created_at", "predicted_at"):
            assert row[name].utcoffset() == timedelta()
            row[name] = row[name].astimezone(UTC).isoformat().replace("+00:00", "Z")
    return [_with_values(row) for row in rows]


def from_history(body: bytes) -> list[Row]:
    """Returns the rows of a page."""
    return [_as_kept(row) for row in EXACT(body)]


def _as_kept(row: Row) -> Row:
    return {**row, "latency_ms": float(row["latency_ms"])}


def _with_values(row: Row) -> Row:
    texts = {name: EXACT(row[name]) for name in ("input_data", "output_data")}
    return _as_kept({**row, **texts})


READERS: dict[str, Callable[[bytes], list[Row]]] = {"csv": from_csv, "ndjson": from_ndjson, "parquet": from_parquet}


def ask(client: Client, form: str, **query: str) -> bytes:
    response = client.get(f"{EXPORT}?{urlencode({'format': form, **query})}")
    assert response.status_code == 200
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", READERS)
def test_it_exports_the_same_rows_as_history(client: Client, form: str) -> None:
    for number, text in enumerate(FRAGMENTS.values()):
        insert_row(input_data=text, output_data="[]", predicted_at=NOON + timedelta(microseconds=number))
    for name in ('"', ",", "a\r\nb", "=1+1", "\U0001f600", "김민준", "'", "\u2028", "#", "null"):
        insert_row(doctor_name=name, patient_name=name, model_name="", model_version="", caller=name, latency_ms=1e-7)
    assert READERS[form](ask(client, form)) == from_history(client.get(HISTORY).content)


def test_csv_and_parquet_keep_texts_unchanged(client: Client) -> None:
    for text in FRAGMENTS.values():
        insert_row(input_data=text, output_data=text)
    rows = csv.DictReader(io.StringIO(ask(client, "csv").decode(), newline=""))
    table = parquet.read_table(io.BytesIO(ask(client, "parquet")))
    kept = sorted(FRAGMENTS.values())
    assert sorted(row["input_data"] for row in rows) == kept
    assert sorted(table["output_data"].to_pylist()) == kept


def test_parquet_has_explicit_types(client: Client) -> None:
    insert_row()
    schema = parquet.read_schema(io.BytesIO(ask(client, "parquet")))
    moments = {"created_at", "predicted_at"}
    assert {schema.field(name).type for name in moments} == {pa.timestamp("us", tz="UTC")}
    assert schema.field("latency_ms").type == pa.float64()
    assert {schema.field(name).type for name in set(schema.names) - moments - {"latency_ms"}} == {pa.string()}
    assert not any(field.nullable for field in schema)


@pytest.mark.parametrize("form", READERS)
def test_it_keeps_the_order_across_chunks(client: Client, form: str) -> None:
    count = 2 * MAX_ROWS + 7
    insert_rows(count, doctor="'Dr. Kim'", patient="'P' || (i % 3)")
    ids = [UUID(row["id"]).int for row in READERS[form](ask(client, form))]
    assert ids == list(reversed(range(count)))
    rows = READERS[form](ask(client, form, patient=" P1", since="2026-03-01T12:00:04Z", until="2026-03-01T12:20Z"))
    assert [UUID(row["id"]).int for row in rows] == list(reversed(range(4, 1200, 3)))


@pytest.mark.parametrize("form", READERS)
def test_it_returns_a_file_without_rows_if_nothing_matches(client: Client, form: str) -> None:
    assert READERS[form](ask(client, form, doctor="Nobody")) == []


def test_the_default_format_is_ndjson(client: Client) -> None:
    response = client.get(EXPORT)
    assert response["Content-Type"] == MEDIA["ndjson"]
    assert client.get(f"{EXPORT}?format=")["Content-Type"] == MEDIA["ndjson"]


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("method", ["get", "head"])
def test_its_header_fields_contain_no_names(client: Client, form: str, method: str) -> None:
    response = getattr(client, method)(f"{EXPORT}?format={form}&patient=Lee")
    assert response["Content-Type"] == MEDIA[form] == FORMS[form].media_type
    assert response["Cache-Control"] == "no-store"
    disposition, _, name = response["Content-Disposition"].partition("=")
    assert disposition == "attachment; filename"
    assert re.fullmatch(rf'"inferences-\d{{8}}T\d{{6}}Z\.{form}"', name)
    assert "Content-Length" not in response


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("format=xml", ["format"]),
        ("format=csv&format=csv", ["format"]),
        ("limit=10", ["limit"]),
        ("cursor=abc&docter=Kim", ["cursor", "docter"]),
        ("since=yesterday&doctor=M%00", ["since", "doctor"]),
    ],
)
def test_it_refuses_an_invalid_query(client: Client, query: str, pointers: list[str]) -> None:
    found = assert_problem(client.get(f"{EXPORT}?{query}"), 400, "bad-input")
    assert [error["pointer"] for error in found["errors"]] == pointers


def test_it_requires_the_permission_to_read_history(client: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    assert_problem(client.get(EXPORT), 401, "not-signed-in")
    user = User.objects.create_user("reader", password="a long pass phrase")
    client.force_login(user)
    assert_problem(client.get(EXPORT), 403, "not-allowed")
    assert client.head(EXPORT).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_inferencelog"))
    assert client.get(EXPORT).status_code == 200


def test_it_only_reads(client: Client) -> None:
    response = client.post(EXPORT)
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")


def test_an_unavailable_database_is_a_503_before_the_status_is_sent(client: Client) -> None:
    assert_problem(with_database_down(lambda: client.get(EXPORT)), 503, "database-unavailable")


def test_a_head_needs_no_database(client: Client) -> None:
    assert with_database_down(lambda: client.head(EXPORT)).status_code == 200


def begun(client: Client, form: str) -> tuple[bytes, Iterator[bytes], Any]:
    """Starts an export of several chunks; returns the first chunk, the remaining ones, and the response."""
    insert_rows(2 * MAX_ROWS + 1, doctor="'Dr. Kim'", patient="'Lee'")
    response: Any = client.get(f"{EXPORT}?format={form}")
    pieces = iter(response.streaming_content)
    return next(pieces), pieces, response


@pytest.mark.django_db(transaction=True)
def test_a_truncated_file_is_detectable(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    insert_rows(2 * MAX_ROWS + 1, doctor="'Dr. Kim'", patient="'Lee'")
    for form, read in READERS.items():
        response: Any = client.get(f"{EXPORT}?format={form}")
        pieces = iter(response.streaming_content)
        found = [next(pieces)]
        with table_missing("ml_proxy_inferencelog"), pytest.raises(ExportAborted, match=r"^$") as raised:
            found.extend(pieces)
        assert raised.value.__suppress_context__  # the server prints it, and a database may quote a row
        with pytest.raises((ValueError, csv.Error, pa.ArrowException)):
            read(b"".join(found))
        told = caplog.records.pop()
        assert (told.levelname, told.request_id) == ("ERROR", response["X-Request-ID"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", READERS)
def test_rows_that_arrive_during_the_export_neither_repeat_nor_hide_others(client: Client, form: str) -> None:
    first, pieces, _ = begun(client, form)
    there_before = 2 * MAX_ROWS + 1
    insert_row(predicted_at=NOON + timedelta(days=1))
    insert_row(predicted_at=NOON - timedelta(days=1), id=UUID(int=there_before))
    ids = [UUID(row["id"]).int for row in READERS[form](b"".join([first, *pieces]))]
    assert ids == [*reversed(range(there_before)), there_before]


@pytest.mark.django_db(transaction=True)
def test_it_holds_no_transaction_between_two_chunks(client: Client) -> None:
    _, pieces, response = begun(client, "ndjson")
    if connection.vendor == "sqlite":
        assert not connection.connection.in_transaction
    else:
        assert connection.connection.info.transaction_status == TransactionStatus.IDLE
    connection.close()  # as the server does with an old connection
    next(pieces)
    response.close()
    assert [*pieces] == []


@pytest.mark.any_database
def test_pyarrow_is_imported_only_for_parquet() -> None:
    code = "import django; django.setup(); import backend.urls, sys; sys.exit('pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.any_database
@pytest.mark.parametrize(("form", "rows", "most"), [("csv", 32, 44), ("ndjson", 48, 36), ("parquet", 48, 72)])
def test_its_memory_is_bounded_for_any_size(client: Client, form: str, rows: int, most: int) -> None:
    text = json.dumps("x" * (3 * MIB))
    for _ in range(rows):
        insert_row(input_data=text)
    tracemalloc.start()
    try:
        response: Any = client.get(f"{EXPORT}?format={form}")
        size = sum(map(len, response.streaming_content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > rows * 3 * MIB or form == "parquet"  # Parquet compresses
    assert peak + (pa.default_memory_pool().max_memory() if form == "parquet" else 0) < most * MIB
