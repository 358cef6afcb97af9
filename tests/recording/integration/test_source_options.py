"""Options of commands on a source's rows: a filter that another source has must not be ignored."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import ClassVar

import pytest
from django.core.management import CommandError, call_command

from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording import sources
from recording.history import History
from recording.models import history_indexes
from recording.sources import Filter, RecordSource
from tests.support.inference_rows import NOON, insert_row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


class OtherRecord(InferenceRecord):
    SOURCE = "tests.other"


class Other(RecordSource):
    """The same table by other filters, one of which is no text."""

    record = OtherRecord
    model = InferenceLog
    filters: ClassVar = {"latency": Filter("latency_ms", float), "model": Filter("model_version")}


@pytest.fixture(autouse=True)
def other() -> Iterator[None]:
    sources.register(Other())
    yield
    sources.unregister("tests.other")


def erase(*words: str) -> str:
    out = StringIO()
    call_command("erase", "--reason", "asked for", "--yes", *words, stdout=out)
    return out.getvalue()


def test_it_refuses_a_filter_of_another_source_and_erases_nothing() -> None:
    insert_row()
    for source, name in (("tests.other", "doctor"), ("ml_proxy.inference", "latency")):
        with pytest.raises(CommandError, match=f"--{name} is no filter of {source}"):
            erase("--source", source, f"--{name}", "1", "--before", "2999-01-01T00:00:00Z")
    assert InferenceLog.objects.count() == 1


def test_it_reads_a_value_as_its_source_does() -> None:
    kept, erased = insert_row(latency_ms=1.0), insert_row(latency_ms=0.0)
    with pytest.raises(CommandError, match="--latency could not convert"):
        erase("--source", "tests.other", "--latency", "fast")
    assert "1 rows were erased" in erase("--source", "tests.other", "--latency", "0")
    assert [row.pk for row in InferenceLog.objects.all()] == [kept.id] != [erased.id]


def test_an_export_has_the_rows_of_the_source_that_match(tmp_path: Path) -> None:
    insert_row(model_version="1")
    row = insert_row(model_version="2")
    words = ["--source", "tests.other", "--model", "2", "--format", "csv"]
    call_command("export", "--output", str(tmp_path / "file"), *words)
    lines = (tmp_path / "file").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["id", str(row.id)]


def test_a_filter_has_its_columns_in_the_order_of_the_source() -> None:
    found = History(Other()).filter(scope=None, model="1", latency=0.0, since=NOON, until=None, limit=5)
    assert [*found.equal.items()] == [("latency_ms", 0.0), ("model_version", "1")]
    assert (found.since, found.until, found.limit, found.after) == (NOON, None, 5, None)
    assert History(Other()).filter(scope=None, model=None).equal == {}


def test_each_query_of_history_has_its_index() -> None:
    assert {index.name: index.fields for index in history_indexes("t", "ward", time_field="taken_at")} == {
        "t_newest": ["-taken_at", "-id"],
        "t_by_ward": ["-ward", "-taken_at", "-id"],
        "t_by_number": ["origin", "sequence"],
    }
