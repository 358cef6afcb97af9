"""Results as files: by `format`, by `Accept`, with their types, and safe for spreadsheets."""

import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from pytest_django import Settings

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.execution.files import preferred

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
KINDS = "CREATE TABLE kinds (i INTEGER, d NUMERIC(30, 5), l DATE, t TIMESTAMPTZ, b BYTEA, x TEXT, n INTERVAL)"
ROWS = (
    "(7, 1234567890123456789012345.10000, '2026-01-02', '2026-01-02T03:04:05.5+09:00', 'ab', '=1+1', '90 s'), "
    "(-1, -2.5, NULL, NULL, NULL, NULL, NULL)"
)


def run(api: Api, database: int, query: str, parameters: str = "", **fields: str) -> Any:
    return api.client.post(
        f"/llm/execute-sql/db/{database}/s{parameters}",
        json.dumps({"query": query}),
        content_type="application/json",
        headers=fields,
    )


@pytest.fixture
def kinds(api: Api, postgres_target: Target) -> int:
    postgres_target.run(KINDS)
    postgres_target.run(f"INSERT INTO kinds VALUES {ROWS}")
    return api.register(postgres_target.owner)


def test_csv_keeps_all_digits_and_makes_cells_safe(api: Api, kinds: int) -> None:
    answer = run(
        api, kinds, 'SELECT i, d, l, t, x, b AS "=b" FROM kinds ORDER BY i DESC', "?format=csv&bom=1&safe_cells=1"
    )
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].endswith('.csv"')
    assert answer["X-Truncated"] == "0"
    first, second, third = answer.content.decode("utf-8-sig").splitlines()
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert first == "i,d,l,t,x,'=b"
    cells = second.split(",")
    assert cells[:3] == ["7", "1234567890123456789012345.10000", "2026-01-02"]
    assert dt.datetime.fromisoformat(cells[3]) == dt.datetime(2026, 1, 1, 18, 4, 5, 500_000, dt.UTC)
    assert cells[4:] == ["'=1+1", "YWI="]
    assert third == "-1,-2.50000,,,,"


def test_parquet_keeps_types(api: Api, kinds: int) -> None:
    answer = run(api, kinds, "SELECT * FROM kinds ORDER BY i DESC", Accept="application/vnd.apache.parquet")
    table = pq.read_table(io.BytesIO(answer.content))
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "i": "int64",
        "d": "decimal128(30, 5)",
        "l": "date32[day]",
        "t": "timestamp[us, tz=UTC]",
        "b": "binary",
        "x": "string",
        "n": "duration[us]",
    }
    first: dict[str, Any] = table.to_pylist()[0]
    assert first["d"] == Decimal("1234567890123456789012345.10000")
    assert (first["b"], first["l"], first["n"]) == (b"ab", dt.date(2026, 1, 2), dt.timedelta(seconds=90))
    assert table.to_pylist()[1]["d"] == Decimal("-2.5")


def test_numbers_in_json_keep_all_digits(api: Api, postgres_target: Target) -> None:
    postgres_target.run("CREATE TABLE documents (d JSONB)")
    postgres_target.run("INSERT INTO documents VALUES ('{\"a\": 0.12345678901234567890}')")
    answer = run(api, api.register(postgres_target.owner), "SELECT d FROM documents")
    assert b"0.12345678901234567890" in answer.content


def test_a_column_of_several_types_becomes_texts(api: Api, sqlite_target: Target) -> None:
    sqlite_target.run("CREATE TABLE mixed (v)")
    sqlite_target.run("INSERT INTO mixed VALUES (1), ('two'), (x'00ff'), (NULL), (1.5)")
    answer = run(api, api.register(sqlite_target.owner), "SELECT v FROM mixed", "?format=parquet")
    found = pq.read_table(io.BytesIO(answer.content)).to_pydict()
    assert found == {"v": ["1", "two", "AP8=", None, "1.5"]}


def test_a_file_says_that_rows_are_missing(api: Api, sqlite_target: Target, settings: Settings) -> None:
    settings.QUERY_MAX_ROWS = 1
    database = api.register(sqlite_target.owner)
    answer = run(api, database, "SELECT id FROM visits ORDER BY id", "?format=ndjson")
    assert (answer.content, answer["X-Truncated"]) == (b'{"id":1}\n', "1")
    file = run(api, database, "SELECT id FROM visits ORDER BY id", "?format=parquet")
    assert pq.read_schema(io.BytesIO(file.content)).metadata[b"truncated"] == b"1"


def test_an_empty_result_is_a_file_too(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    assert run(api, database, "SELECT id FROM visits WHERE id = 99", "?format=csv").content == b"id\r\n"
    file = run(api, database, "SELECT id FROM visits WHERE id = 99", "?format=parquet")
    assert pq.read_table(io.BytesIO(file.content)).num_rows == 0


def test_a_wrong_form_is_refused_before_anything_runs(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    for parameters in ("?format=xlsx", "?format=json&bom=1", "?safe_cells=1"):
        assert run(api, database, "SELECT id FROM visits", parameters).status_code == 400


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("application/json;q=0.5, text/csv;q=0.9", "csv"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
        ("application/vnd.apache.parquet, */*;q=0.1", "parquet"),
    ],
)
def test_accept_chooses_by_weight(accept: str, name: str) -> None:
    assert preferred(accept) == name
