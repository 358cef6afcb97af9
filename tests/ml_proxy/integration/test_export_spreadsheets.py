"""CSV for spreadsheets, on request: a byte order mark, and cells that no spreadsheet runs as a formula."""

import codecs
import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.support.gateway import assert_problem
from tests.support.inference_rows import insert_row

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

EXPORT, DATASET = "/ml/v1/history/export/", "/ml/v1/dataset/"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20A1"]
HARMLESS = ["김민준", "1+1=2", "'=1", "a-b", " =1", ""]


def ask(client: Client, **query: str) -> bytes:
    response: Any = client.get(EXPORT, {"format": "csv", **query})
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def names(body: bytes) -> set[str]:
    text = body.removeprefix(codecs.BOM_UTF8).decode()
    return {row["model_name"] for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)}


@pytest.fixture(autouse=True)
def _rows() -> None:
    for number, text in enumerate(FORMULAS + HARMLESS):
        insert_row(model_name=text, latency_ms=-1.5, request_id=f"r{number}")


def test_bom_begins_the_file_with_a_byte_order_mark(client: Client) -> None:
    plain = ask(client)
    assert not plain.startswith(codecs.BOM_UTF8)
    assert ask(client, bom="1") == codecs.BOM_UTF8 + plain
    assert ask(client, bom="0") == ask(client, bom="") == plain
    assert ask(client, bom="1", doctor="nobody").startswith(codecs.BOM_UTF8)


def test_safe_cells_disarms_formulas_and_nothing_else(client: Client) -> None:
    assert names(ask(client)) == {*FORMULAS, *HARMLESS}
    safe = ask(client, safe_cells="1")
    assert names(safe) == {*(f"'{text}" for text in FORMULAS), *HARMLESS}
    assert b",-1.5," in safe  # a number is not a text
    assert ask(client, safe_cells="1", bom="1") == codecs.BOM_UTF8 + safe


@pytest.mark.parametrize("path", [EXPORT, DATASET])
@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("format=ndjson&bom=1", ["bom"]),
        ("bom=1&safe_cells=1", ["bom", "safe_cells"]),
        ("format=parquet&safe_cells=1", ["safe_cells"]),
        ("format=csv&bom=yes", ["bom"]),
        ("format=csv&bom=1&bom=1", ["bom"]),
    ],
)
def test_it_refuses_them_for_other_formats(client: Client, path: str, query: str, pointers: list[str]) -> None:
    found = assert_problem(client.get(f"{path}?{query}"), 400, "bad-input")
    assert [error["pointer"] for error in found["errors"]] == pointers


def test_the_data_set_has_them_too(client: Client) -> None:
    response: Any = client.get(f"{DATASET}?format=csv&bom=1&safe_cells=1")
    assert b"".join(response.streaming_content).startswith(codecs.BOM_UTF8 + b"inference_id,")


def test_the_commands_have_them_too(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    call_command("export", "--output", str(path), "--format", "csv", "--bom", "--safe-cells", stderr=io.StringIO())
    assert path.read_bytes() == ask(client, bom="1", safe_cells="1")
    with pytest.raises(CommandError, match="--bom and --safe-cells can be used with the format csv only"):
        call_command("export", "--output", str(path), "--bom", "--safe-cells", stderr=io.StringIO())
