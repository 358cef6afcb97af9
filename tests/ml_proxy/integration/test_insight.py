"""`insight/`: what it counts, estimates and compares, who sees what, and that its work is bounded."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django import Settings

from ml_proxy.insight import sample as sampling
from ml_proxy.insight.agreement import wilson
from tests.support.access_log import Noted
from tests.support.accounts import bearer, make_user
from tests.support.feedback import model_answer, post_feedback
from tests.support.gateway import assert_problem
from tests.support.inference_rows import NOON, insert_row, insert_rows
from tests.support.model import Conversation, ScriptedModel

pytestmark = pytest.mark.django_db

WEEK = {"since": "2026-02-26", "until": "2026-03-05"}
REFERENCE = {
    "rows": 400,
    "inputs": {
        "/features/size": {"minimum": 0, "maximum": 100, "edges": [25, 50, 75], "counts": [100, 100, 100, 100]},
        "/features/age": {"minimum": 0, "maximum": 100, "edges": [25, 50, 75], "counts": [100, 100, 100, 100]},
        "/ward": {"categories": {"A": 200, "B": 200}},
        "/broken": {"edges": [3, 1], "counts": [1, 1, 1], "minimum": 0, "maximum": 1},
    },
}


def ask(client: Client, path: str, headers: dict[str, Any] | None = None, **query: Any) -> Any:
    response = client.get(f"/ml/v1/insight/{path}/?{urlencode({**WEEK, **query})}", **(headers or {}))
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store"), response.content
    return response.json()


def answered(label: str, confidence: float, **values: Any) -> Any:
    found = [{"label": label, "confidence": confidence}, {"label": "other", "confidence": 1 - confidence}]
    return insert_row(output_data=json.dumps({"predictions": found}), **values)


def test_the_overview_of_a_small_log_is_exact(client: Client) -> None:
    answered("benign", 0.91, latency_ms=10)
    answered("benign", 0.99, latency_ms=20)
    answered("malignant", 0.5, latency_ms=30, predicted_at=NOON + timedelta(days=1))
    insert_row(output_data='{"risk": 3}', latency_ms=40)
    insert_row(output_data="[" + "1," * 40_000 + "1]", latency_ms=50)  # too long to be read
    found = ask(client, "overview")
    assert (found["total"], found["sampled"], found["is_complete"]) == (5, 5, True)
    days = {day["day"]: (day["count"], day["classes"]) for day in found["days"]}
    assert len(days) == 7
    assert days["2026-03-01"] == (4, {"benign": 2, "": 2})
    assert days["2026-03-02"] == (1, {"malignant": 1})
    assert days["2026-03-03"] == (0, {})
    assert {each["label"]: each["count"] for each in found["classes"]} == {"benign": 2, "": 2, "malignant": 1}
    counts = found["confidence"]["counts"]
    assert (counts[10], counts[18], counts[19], sum(counts)) == (1, 1, 1, 3)
    assert found["latency_ms"] == {"p50": 30, "p90": 50, "p95": 50, "p99": 50}
    assert found["models"] == [{"model_name": "stub", "model_version": "7", "count": 5}]


def test_a_day_begins_in_the_callers_time_zone(client: Client) -> None:
    answered("benign", 0.9, predicted_at=datetime(2026, 3, 1, 15, 30, tzinfo=UTC))  # half past midnight in Seoul
    found = ask(client, "overview", timezone="Asia/Seoul")
    assert {day["day"] for day in found["days"] if day["count"]} == {"2026-03-02"}


def test_a_large_log_is_estimated_from_a_sample_with_exact_counts(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling.sample, "__defaults__", (240,))  # two rows of each slice
    insert_rows(5000, doctor="'Dr. ' || (i % 2)", patient="'p' || i", start=NOON)
    found = ask(client, "overview", until="2026-03-02", since="2026-03-01")
    assert (found["total"], found["is_complete"]) == (5000, False)
    assert 0 < found["sampled"] <= 240
    assert sum(each["count"] for each in found["classes"]) == pytest.approx(5000, abs=2)
    one = ask(client, "overview", until="2026-03-02", since="2026-03-01", model="stub")
    assert one["total"] == pytest.approx(5000, abs=2)
    assert ask(client, "overview", model="another")["total"] == 0


def test_callers_see_their_own_doctors_rows_only(client: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    kim = make_user("kim", "clinician", doctor_name="Dr. Kim")
    own = answered("benign", 0.6)
    answered("malignant", 0.5, doctor_name="Dr. Lee", patient_name="Choi")
    answered("malignant", 0.5, doctor_name="Dr. Lee", predicted_at=NOON + timedelta(hours=1))
    assert [each["label"] for each in ask(client, "overview", bearer(kim))["classes"]] == ["benign"]
    assert [each["id"] for each in ask(client, "review", bearer(kim))] == [str(own.id)]
    both = make_user("both", "clinician", acts_for="Dr. Kim\nDr. Lee")
    assert ask(client, "overview", bearer(both))["total"] == 3
    assert len(ask(client, "review", bearer(both))) == 3
    nobody = make_user("nobody", "clinician", doctor_name="Dr. None")
    assert (ask(client, "overview", bearer(nobody))["total"], ask(client, "review", bearer(nobody))) == (0, [])


def test_accuracy_has_intervals_and_counts_the_newest_verdict(client: Client) -> None:
    for number in range(4):
        row = insert_row(output_data=model_answer("benign"), model_name="m", model_version="1")
        post_feedback(client, row.id, verdict="agree")
        if number == 0:
            post_feedback(client, row.id, verdict="correct", label="malignant")
    [found] = ask(client, "accuracy")
    assert (found["agreed"], found["corrected"], found["accuracy"]) == (3, 1, 0.75)
    assert (found["low"], found["high"]) == (pytest.approx(0.300642, abs=1e-6), pytest.approx(0.954413, abs=1e-6))
    counted = {name: found[name] for name in ("agreed", "corrected", "accuracy", "low", "high")}
    assert found["periods"] == [{"period": "2026-03-01", **counted}]


@pytest.mark.parametrize(
    ("agreed", "judged", "interval"),
    [(0, 0, (0, 1)), (0, 10, (0, 0.277533)), (10, 10, (0.722467, 1)), (81, 263, (0.255289, 0.366201))],
)
def test_wilson_intervals_are_those_of_the_books(agreed: int, judged: int, interval: tuple[float, float]) -> None:
    """Newcombe, 1998, Table I has 81 of 263."""
    assert list(wilson(agreed, judged)) == pytest.approx(list(interval), abs=5e-4)


@pytest.mark.parametrize("query", [{"since": "2024-01-01"}, {"since": "2026-04-01"}, {"timezone": "Mars"}, {"by": "x"}])
def test_a_period_that_is_too_long_or_a_wrong_parameter_is_refused(client: Client, query: dict[str, str]) -> None:
    assert_problem(client.get(f"/ml/v1/insight/overview/?{urlencode({**WEEK, **query})}"), 400, "bad-input")


def test_the_queue_lists_the_least_sure_first_and_nothing_that_is_judged(client: Client, noted: Noted) -> None:
    sure = answered("benign", 0.99)
    unsure = answered("benign", 0.55, patient_name="Choi")
    judged = answered("benign", 0.51)
    insert_row(output_data="{}")  # no confidence, so there is nothing to say about it
    post_feedback(client, judged.id, verdict="agree")
    found = ask(client, "review")
    assert [each["id"] for each in found] == [str(unsure.id), str(sure.id)]
    assert found[0]["uncertainty"] == pytest.approx(0.9)
    [entry] = [each for each in noted() if each.action == "inference.review"]
    assert (entry.row_count, set(json.loads(entry.patients))) == (2, {"Choi", "Lee"})
    assert len(ask(client, "review", limit=1)) == 1
    assert_problem(client.get("/ml/v1/insight/review/?limit=201"), 400, "bad-input")


def tells_reference(conversation: Conversation) -> None:
    told = {"name": "stub", "version": "9", "reference": REFERENCE}
    conversation.answer(json.dumps({"name": "stub", "models": [told]}).encode())


def asked(size: float | None, age: float, ward: str = "A", **values: Any) -> Any:
    features = {"age": age} if size is None else {"size": size, "age": age}
    return answered("benign", 0.99, input_data=json.dumps({"features": features, "ward": ward}), **values)


def test_an_input_that_moved_has_drifted_and_the_others_have_not(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells_reference
    for number in range(100):
        asked(120 if number % 2 else 80, number, "AB"[number % 2])
    asked(0, 0, model_name="another")  # not this model's
    insert_row(input_data='["no object"]')
    found = ask(gateway, "drift")
    assert (found["model_name"], found["model_version"], found["reference_rows"]) == ("stub", "9", 400)
    assert (found["sampled"], found["reason"], found["drifted"]) == (100, None, 1)
    moved, *others = found["inputs"]
    assert (moved["pointer"], moved["drifted"], moved["outside"]) == ("/features/size", True, 50)
    assert (moved["reference"], moved["observed"]) == ([100, 100, 100, 100, 0], [0, 0, 0, 100, 0])
    assert {each["pointer"] for each in others if not each["drifted"]} == {"/features/age", "/ward"}
    assert moved["p_value"] <= moved["q_value"] < 1e-30


def test_an_input_that_is_missing_and_a_new_category_have_drifted(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells_reference
    for number in range(100):
        asked(None if number % 2 else number, number, "C" if number % 2 else "AB"[number % 4 // 2])
    drifted = {each["pointer"]: each for each in ask(gateway, "drift")["inputs"] if each["drifted"]}
    assert {name: each["missing"] for name, each in drifted.items()} == {"/features/size": 50, "/ward": 50}


def test_a_model_without_a_reference_is_not_compared(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b'{"name": "stub", "models": []}')
    found = ask(gateway, "drift")
    assert (found["inputs"], "`reference`" in found["reason"]) == ([], True)


def test_drift_says_that_the_model_server_is_away(gateway: Client, model: ScriptedModel) -> None:
    model.close()
    found = ask(gateway, "drift")
    assert (found["inputs"], "does not answer" in found["reason"]) == ([], True)


def test_a_few_inputs_prove_nothing(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells_reference
    asked(500, 500)
    assert "fewer than 50" in ask(gateway, "drift")["reason"]


def test_the_queue_lists_inputs_that_the_training_data_does_not_cover(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells_reference
    asked(50, 50)
    strange = asked(500, 50, "Z")
    first, _ = ask(gateway, "review")
    assert (first["id"], first["drift"], first["score"]) == (
        str(strange.id),
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
    )
    assert first["outside"] == [
        {"pointer": "/features/size", "value": 500, "bounds": [0, 100]},
        {"pointer": "/ward", "value": "Z", "bounds": None},
    ]
    assert [each["id"] for each in ask(gateway, "review", by="drift")] == [str(strange.id)]
