"""`GET dataset/` and `manage.py dataset`: training examples from doctors' verdicts, without patients' names."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pyarrow import parquet
from pytest_django import Settings

from common.paging import MAX_ROWS
from common.row_scope import EVERYTHING
from common.timestamps import moment
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.dataset import count_judged, newest_first
from ml_proxy.models import InferenceLog
from ml_proxy.rows import Example
from tests.support.databases import with_database_down
from tests.support.feedback import insert_agreements, model_answer, post_feedback
from tests.support.gateway import assert_problem
from tests.support.inference_rows import FRAGMENTS, NOON, insert_row, insert_rows
from tests.support.model import ScriptedModel
from tests.support.query_plans import query_costs

pytestmark = pytest.mark.django_db

DATASET = "/ml/v1/dataset/"
MIB = 1024 * 1024
PLACES = ["{{{}}}", '{{{},"a":1}}', '{{"a":1, {} , "b":2}}', '{{"a":[{{"patient_name":"kept"}}],{}}}']


@pytest.fixture
def _model(model: ScriptedModel, settings: Settings) -> None:
    """A model server that tells no classes, so that it takes any label."""
    settings.ML_SERVER_URL = model.url


def ask(client: Client, **query: str) -> bytes:
    response: Any = client.get(f"{DATASET}?{urlencode(query)}")
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def lines(client: Client, **query: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ask(client, **query).splitlines()]


def test_it_has_one_line_per_judged_inference_with_its_newest_verdict(client: Client) -> None:
    body = '{"doctor_name": "Kim", "x": 1.50, "patient_name": "Lee"}'
    first, second, _ = (
        insert_row(input_data=body, output_data=model_answer("benign"), model_version="2") for _ in range(3)
    )
    post_feedback(client, first.id, verdict="agree", note="not told")
    post_feedback(client, second.id, verdict="agree")
    newest = post_feedback(client, first.id, verdict="correct", label="malignant").json()
    found = ask(client).splitlines()
    assert [json.loads(line)["inference_id"] for line in found] == [str(second.id), str(first.id)]
    assert b'"input":{ "x": 1.50}' in found[1]
    assert json.loads(found[1]) == {
        "inference_id": str(first.id),
        "input": {"x": 1.5},
        "label": "malignant",
        "verdict": "correct",
        "model_name": "stub",
        "model_version": "2",
        "predicted_at": "2026-03-01T12:00:00Z",
        "verdict_at": newest["created_at"],
        "verdict_id": newest["id"],
    }
    assert (json.loads(found[0])["label"], json.loads(found[0])["verdict"]) == ("benign", "agree")


@pytest.mark.parametrize("place", PLACES)
def test_it_removes_the_names_and_leaves_the_rest_unchanged(client: Client, place: str) -> None:
    for text in FRAGMENTS.values():
        written = place.format(f'"doctor\\u005fname" : "SECRET {{,", "x":{text} ,"patient_name":"SECRET \\"}}"')
        post_feedback(client, insert_row(input_data=written).id, verdict="agree")
    exact = partial(json.loads, parse_int=str, parse_float=str, object_pairs_hook=list)
    found = ask(client, format="csv")
    assert b"SECRET" not in found
    rows = csv.DictReader(io.StringIO(found.decode(), newline=""), strict=True)
    for row, text in zip(rows, FRAGMENTS.values(), strict=True):
        assert exact(row["input"]) == exact(place.format(f'"x":{text}'))
        assert text in row["input"]
    assert [exact(line)[1][1] for line in ask(client).splitlines()] == [
        exact(place.format(f'"x":{text}')) for text in FRAGMENTS.values()
    ]


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_its_forms_have_the_same_rows_and_columns(client: Client, form: str) -> None:
    for output in ("[]", model_answer("benign")):
        post_feedback(client, insert_row(output_data=output).id, verdict="agree")
    body = ask(client, format=form)
    if form == "ndjson":
        rows = [json.loads(line) for line in body.splitlines()]
        assert [row["label"] for row in rows] == [None, "benign"]
    elif form == "csv":
        rows = [*csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True)]
        assert [row["label"] for row in rows] == ["", "benign"]
    else:
        table = parquet.read_table(io.BytesIO(body))
        rows = table.to_pylist()
        assert rows[0]["predicted_at"].astimezone(UTC) == NOON
        assert [field.name for field in table.schema if field.nullable] == ["label"]
        assert table.schema.field("verdict_id").type == pa.int64()
        assert [row["label"] for row in rows] == [None, "benign"]
    assert all(tuple(row) == Example._fields for row in rows)


def test_its_filters_apply_to_the_prediction(client: Client) -> None:
    for number, model in enumerate(["a", "a", "b", "a"]):
        row = insert_row(model_name=model, request_id=str(number), predicted_at=NOON + timedelta(hours=number))
        post_feedback(client, row.id, verdict="agree")
    assert [line["predicted_at"][11:13] for line in lines(client)] == ["12", "13", "14", "15"]
    assert [line["predicted_at"][11:13] for line in lines(client, model="a", since="2026-03-01T13:00Z")] == ["13", "15"]
    assert [line["predicted_at"][11:13] for line in lines(client, until="2026-03-01T14:00Z")] == ["12", "13"]
    assert lines(client, model="A") == []


@pytest.mark.parametrize("query", ["doctor=Kim", "model=%00", "format=xml", "since=yesterday", "limit=1"])
def test_it_refuses_an_invalid_query(client: Client, query: str) -> None:
    found = assert_problem(client.get(f"{DATASET}?{query}"), 400, "bad-input")
    assert [error["pointer"] for error in found["errors"]] == [query.partition("=")[0]]


def test_its_file_name_contains_only_the_time_of_the_export(client: Client) -> None:
    response = client.head(f"{DATASET}?model=secret")
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response["Content-Disposition"].startswith('attachment; filename="dataset-20')
    assert_problem(with_database_down(lambda: client.get(DATASET)), 503, "database-unavailable")


@pytest.mark.usefixtures("_model")
def test_a_verdict_given_during_the_export_neither_repeats_nor_hides_a_line(client: Client) -> None:
    count = 2 * MAX_ROWS + 1
    insert_rows(count, doctor="'Dr. Kim'", patient="'Lee'")
    insert_agreements()
    response: Any = client.get(DATASET)
    pieces = iter(response.streaming_content)
    found = next(pieces)
    for number in (0, count - 1):  # one that was already sent, and one that was not
        post_feedback(client, UUID(int=number), verdict="correct", label="malignant")
    InferenceLog.objects.filter(pk=UUID(int=count - 2)).delete()
    told = [json.loads(line) for line in b"".join([found, *pieces]).splitlines()]
    assert [UUID(line["inference_id"]).int for line in told] == [*range(count - 2), count - 1]
    assert {line["label"] for line in told} == {"benign"}
    assert [UUID(line["inference_id"]).int for line in lines(client)][-2:] == [0, count - 1]


@pytest.mark.usefixtures("_model")
def test_it_can_be_read_newest_verdict_first(client: Client) -> None:
    insert_rows(2 * MAX_ROWS + 1, doctor="'Dr. Kim'", patient="'Lee'")
    insert_agreements()
    post_feedback(client, UUID(int=7), verdict="correct", label="malignant")
    found = [example.inference_id for example in newest_first(FeedbackFilter(scope=EVERYTHING))]
    assert found == [UUID(line["inference_id"]) for line in reversed(lines(client))]
    assert (
        found[0],
        count_judged(FeedbackFilter(scope=EVERYTHING)),
        count_judged(FeedbackFilter(scope=EVERYTHING, model="other")),
    ) == (
        UUID(int=7),
        len(found),
        0,
    )


@pytest.mark.parametrize("query", [{}, {"model": "stub", "since": "2026-03-01", "until": "2026-03-02"}])
def test_it_reads_its_pages_from_the_indexes(client: Client, query: dict[str, str]) -> None:
    insert_rows(5 * MAX_ROWS, doctor="'Dr. Kim'", patient="'Lee'")
    insert_agreements()
    costs = query_costs(partial(ask, client, **query), "ml_proxy_feedback")
    readers: dict[str, Any] = {"model": str, "since": moment, "until": moment}
    question = FeedbackFilter(scope=EVERYTHING, **{name: readers[name](value) for name, value in query.items()})
    back = query_costs(lambda: list(newest_first(question)), "ml_proxy_feedback")
    pages = [cost for cost in costs + back if f"LIMIT {MAX_ROWS}" in cost.sql]
    assert len(pages) == 12
    for page in pages:
        assert "feedback_by_inference" in page.plan, page
        assert "TEMP B-TREE" not in page.plan
        assert "Sort" not in page.plan
        assert page.rows < 4 * MAX_ROWS, page


@pytest.mark.any_database
def test_its_memory_is_bounded_for_any_size(client: Client) -> None:
    text = json.dumps({"patient_name": "Lee", "x": "x" * (3 * MIB)})
    for _ in range(32):
        insert_row(input_data=text)
    insert_agreements()
    tracemalloc.start()
    try:
        response: Any = client.get(DATASET)
        size = sum(map(len, response.streaming_content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 32 * 3 * MIB
    assert peak < 48 * MIB


def test_the_command_writes_what_the_gateway_sends(client: Client, tmp_path: Path) -> None:
    for model in ("a", "b"):
        post_feedback(client, insert_row(model_name=model, output_data=model_answer("x")).id, verdict="agree")
    told = io.StringIO()
    call_command("dataset", "--output", str(tmp_path / "file"), "--model", "b", "--since", "2026-03-01", stderr=told)
    assert "1 rows written" in told.getvalue()
    assert (tmp_path / "file").read_bytes() == ask(client, model="b", since="2026-03-01") != b""
    with pytest.raises(CommandError, match=r"--until must be a time"):
        call_command("dataset", "--output", str(tmp_path / "file"), "--until", "soon")
