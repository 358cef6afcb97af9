"""`GET accuracy/`: which verdicts it counts, in which periods, and its query cost."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.support.databases import with_database_down
from tests.support.feedback import insert_agreements, model_answer, post_feedback
from tests.support.gateway import assert_problem
from tests.support.inference_rows import insert_row, insert_rows
from tests.support.query_plans import query_costs

pytestmark = pytest.mark.django_db

ACCURACY = "/ml/v1/accuracy/"


def ask(client: Client, **query: str) -> list[dict[str, Any]]:
    response = client.get(f"{ACCURACY}?{urlencode(query)}")
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    found: list[dict[str, Any]] = response.json()
    return found


def said(client: Client, moment: str, *words: str, model: str = "m", version: str = "1") -> None:
    """Creates an inference at this time with these verdicts, in order."""
    predicted_at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    row = insert_row(predicted_at=predicted_at, model_name=model, model_version=version, output_data=model_answer("x"))
    for word in words:
        assert (
            post_feedback(client, row.id, verdict=word, label="malignant" if word == "correct" else None).status_code
            == 201
        )


def test_it_counts_the_newest_verdict_of_each_inference(client: Client) -> None:
    said(client, "2026-03-01T10:00", "agree")
    said(client, "2026-03-01T11:00", "correct", "agree")
    said(client, "2026-03-01T12:00", "correct", "agree", "correct")
    said(client, "2026-03-01T13:00")
    assert ask(client) == [
        {
            "model_name": "m",
            "model_version": "1",
            "period": "2026-03-01",
            "agreed": 2,
            "corrected": 1,
            "accuracy": 2 / 3,
        }
    ]


@pytest.mark.parametrize(
    ("by", "periods"),
    [
        ("", ["2026-02-28", "2026-03-01", "2026-03-02"]),
        ("day", ["2026-02-28", "2026-03-01", "2026-03-02"]),
        ("week", ["2026-02-23", "2026-03-02"]),
        ("month", ["2026-02-01", "2026-03-01"]),
    ],
)
def test_a_period_is_named_by_its_first_day_in_utc(client: Client, by: str, periods: list[str]) -> None:
    for moment in ("2026-03-02T00:00", "2026-03-01T00:00", "2026-03-01T23:59:59.999999", "2026-02-28T23:59:59.999999"):
        said(client, moment, "agree")
    assert [line["period"] for line in ask(client, by=by)] == periods


def test_it_separates_models_and_versions_and_starts_with_the_oldest(client: Client) -> None:
    said(client, "2026-03-02T00:00", "agree", model="a", version="2")
    said(client, "2026-03-01T00:00", "correct", model="b")
    said(client, "2026-03-01T00:00", "agree", model="a", version="2")
    said(client, "2026-03-01T00:00", "agree", model="a", version="1")
    told = [(line["model_name"], line["model_version"], line["period"][-2:], line["accuracy"]) for line in ask(client)]
    assert told == [("a", "1", "01", 1.0), ("a", "2", "01", 1.0), ("b", "1", "01", 0.0), ("a", "2", "02", 1.0)]
    assert len(ask(client, model="a")) == 3
    assert len(ask(client, model="a", since="2026-03-01T00:00:01Z")) == 1
    assert len(ask(client, until="2026-03-02")) == 3
    assert ask(client, model="A") == []


@pytest.mark.parametrize("query", ["by=year", "doctor=Kim", "model=%00", "until=soon"])
def test_it_refuses_an_invalid_query(client: Client, query: str) -> None:
    found = assert_problem(client.get(f"{ACCURACY}?{query}"), 400, "bad-input")
    assert [error["pointer"] for error in found["errors"]] == [query.partition("=")[0]]


def test_an_unavailable_database_is_a_503(client: Client) -> None:
    assert_problem(with_database_down(lambda: client.get(ACCURACY)), 503, "database-unavailable")


def test_it_reads_only_the_requested_time_and_not_the_log(client: Client) -> None:
    insert_rows(10_000, doctor="'Dr. Kim'", patient="'Lee'")
    insert_agreements()
    asked = partial(ask, client, since="2026-03-01T13:00Z", until="2026-03-01T13:05Z", by="month")
    assert asked()[0]["agreed"] == 300
    assert query_costs(asked, "ml_proxy_inferencelog") == []
    [cost] = query_costs(asked, "ml_proxy_feedback")
    assert {"feedback_by_time", "feedback_by_model_verdict"} & set(re.findall(r"\w+", cost.plan)), cost  # both by time
    assert "feedback_by_inference" in cost.plan, cost
    assert cost.rows < 4 * 300, cost
