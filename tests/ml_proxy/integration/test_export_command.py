"""`manage.py export`: the complete file under its name, or none."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pyarrow import parquet

from common.paging import MAX_ROWS
from tests.support.databases import table_missing, with_database_down
from tests.support.inference_rows import NOON, insert_row, insert_rows

pytestmark = pytest.mark.django_db

EXPORT = "/ml/v1/history/export/"


def export(output: Path | str, *words: str) -> str:
    """Returns the command's output."""
    told = io.StringIO()
    call_command("export", "--output", str(output), *words, stderr=told)
    return told.getvalue()


def refused(output: Path | str, *words: str) -> CommandError:
    with pytest.raises(CommandError) as raised:
        export(output, *words)
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_it_writes_what_the_gateway_sends(client: Client, tmp_path: Path, form: str) -> None:
    insert_rows(MAX_ROWS + 5, doctor="'Dr. Kim'", patient="'P' || (i % 3)")
    conditions = {"doctor": "Dr. Kim", "patient": " P1", "since": "2026-03-01T12:00:02Z", "until": "2026-03-01 12:15"}
    words = [word for name, value in conditions.items() for word in (f"--{name}", value)]
    assert "299 rows" in export(tmp_path / "file", "--format", form, *words)
    response: Any = client.get(EXPORT, {"format": form, **conditions})
    assert (tmp_path / "file").read_bytes() == b"".join(response.streaming_content) != b""


def test_it_writes_parquet(tmp_path: Path) -> None:
    insert_rows(MAX_ROWS + 5, doctor="'Dr. Kim'", patient="'Lee'")
    export(tmp_path / "file", "--format", "parquet")
    assert parquet.read_table(tmp_path / "file")["request_id"].to_pylist() == [
        f"r{number}" for number in reversed(range(MAX_ROWS + 5))
    ]


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    export(tmp_path / "file")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_it_writes_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    insert_row(request_id="the row")
    assert export("-") == "1 rows written.\n"
    assert b'"request_id":"the row"' in capfdbinary.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--doctor", " "], "--doctor must not be blank"),
        (["--patient", "x" * 101], "--patient must have at most 100 characters"),
        (["--since", "yesterday"], "--since must be a time in ISO 8601"),
        (["--until", "2026-13-01"], "--until must be a time in ISO 8601"),
    ],
)
def test_it_refuses_invalid_conditions(tmp_path: Path, words: list[str], told: str) -> None:
    error = refused(tmp_path / "file", *words)
    assert str(error).startswith(told)
    assert error.returncode == 2
    assert [*tmp_path.iterdir()] == []


def test_it_reports_where_it_can_not_write(tmp_path: Path) -> None:
    assert "can't be written" in str(refused(tmp_path / "no such folder" / "file"))
    (tmp_path / "folder").mkdir()
    assert "can't be written" in str(refused(tmp_path / "folder"))
    assert [*tmp_path.iterdir()] == [tmp_path / "folder"]


def test_it_reports_an_unavailable_database(tmp_path: Path) -> None:
    assert "The database did not return the rows" in str(with_database_down(lambda: refused(tmp_path / "file")))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.django_db(transaction=True)
def test_a_failed_export_keeps_the_previous_file(tmp_path: Path) -> None:
    insert_row(predicted_at=NOON)
    export(tmp_path / "file")
    before = (tmp_path / "file").read_bytes()
    with table_missing("ml_proxy_inferencelog"):
        refused(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == before
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]
