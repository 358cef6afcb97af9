"""`history/{id}/feedback/`: valid verdicts, what they supersede, and what they do not change."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from accounts.callers import ANYONE
from common import advisory_lock
from common.ids import uuid7
from ml_proxy import feedback
from ml_proxy.feedback_requests import FeedbackRequest
from ml_proxy.models import FEEDBACK_LOCK, MAX_LABEL, MAX_NOTE, Feedback, InferenceLog
from tests.support.access_log import forget_accesses
from tests.support.databases import with_database_down
from tests.support.feedback import feedback_path, model_answer, post_feedback
from tests.support.gateway import assert_problem
from tests.support.inference_rows import NOON, insert_row
from tests.support.wait import until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


def benign() -> UUID:
    """An inference with the model's label benign."""
    return insert_row(output_data=model_answer("benign")).id


def listed(client: Client, inference_id: UUID, query: str = "") -> list[dict[str, Any]]:
    response = client.get(feedback_path(inference_id) + query)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    found: list[dict[str, Any]] = response.json()
    return found


def faults(response: Any) -> list[str]:
    return [error["pointer"] for error in assert_problem(response, 400, "bad-input")["errors"]]


def test_it_stores_the_verdict_and_a_copy_of_the_model_and_time(client: Client) -> None:
    row = insert_row(output_data=model_answer("benign"), model_name="m", model_version="3")
    response = post_feedback(client, row.id, verdict="correct", label=" malignant ", note="seen\nagain")
    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    kept = Feedback.objects.get()
    assert (kept.model_name, kept.model_version, kept.predicted_at) == ("m", "3", NOON)
    told = response.json()
    assert told == {
        "id": kept.position,
        "inference_id": str(row.id),
        "verdict": "correct",
        "label": "malignant",
        "note": "seen\nagain",
        "caller": "",
        "created_at": kept.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert listed(client, row.id) == [told]


@pytest.mark.parametrize(
    ("output", "label"),
    [
        (model_answer("benign"), "benign"),
        (model_answer(7), None),
        (model_answer(""), None),
        (model_answer("x" * (MAX_LABEL + 1)), None),
        (model_answer("\0"), None),
        (r'{"predictions": [{"label": "\ud800"}]}', None),
        ('{"predictions": []}', None),
        ('{"predictions": {"label": "benign"}}', None),
        ('{"predictions": ["benign"]}', None),
        ("[1e400]", None),
    ],
)
def test_agree_stores_the_model_s_label(client: Client, output: str, label: str | None) -> None:
    response = post_feedback(client, insert_row(output_data=output).id, verdict="agree", label=None)
    assert (response.status_code, response.json()["label"]) == (201, label)


def test_later_verdicts_come_first_and_erase_nothing(client: Client) -> None:
    inference_id, other = benign(), benign()
    said = [("agree", None), ("correct", "malignant"), ("agree", "benign"), ("correct", "malignant")]
    for verdict, label in said:
        assert post_feedback(client, inference_id, verdict=verdict, label=label).status_code == 201
    post_feedback(client, other, verdict="agree")
    assert [told["verdict"] for told in listed(client, inference_id)] == ["correct", "agree", "correct", "agree"]
    assert [
        (kept.inference_id, kept.verdict)
        for kept in Feedback.objects.filter(position=Feedback.newest()).order_by("position")
    ] == [
        (inference_id, "correct"),
        (other, "agree"),
    ]


def test_its_pages_continue_where_the_last_one_ended(client: Client) -> None:
    inference_id = benign()
    for number in range(5):
        post_feedback(client, inference_id, verdict="agree", note=str(number))
    notes, url = [], f"{feedback_path(inference_id)}?limit=2"
    while url:
        response = client.get(url)
        notes += [told["note"] for told in response.json()]
        url = response.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
    assert notes == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("cursor", [-1, 0, 2**63 - 1, 2**63, -(2**70)])
def test_it_accepts_any_number_as_a_cursor(client: Client, cursor: int) -> None:
    inference_id = benign()
    post_feedback(client, inference_id, verdict="agree")
    assert len(listed(client, inference_id, f"?cursor={cursor}")) == (cursor > 0)


def test_repeating_the_newest_verdict_adds_none(client: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    inference_id = benign()
    for name in ("first", "second"):
        client.force_login(User.objects.create_superuser(name))
        made = post_feedback(client, inference_id, verdict="correct", label="malignant", note="x")
        again = post_feedback(client, inference_id, verdict="correct", label=" malignant", note="x ")
        assert (made.status_code, again.status_code) == (201, 200)
        assert made.json() == again.json()
        assert made.json()["caller"] == name
    assert post_feedback(client, inference_id, verdict="correct", label="malignant").status_code == 201
    assert post_feedback(client, inference_id, verdict="correct", label="malignant", note="x").status_code == 201
    assert Feedback.objects.count() == 4


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ("[]", [""]),
        ("{", [""]),
        ("{}", ["/verdict"]),
        ('{"verdict": "no"}', ["/verdict"]),
        ('{"verdict": 1, "label": 1, "note": 1}', ["/verdict", "/label", "/note"]),
        ('{"verdict": null}', ["/verdict"]),
        ('{"verdict": "correct"}', ["/label"]),
        ('{"verdict": "correct", "label": null}', ["/label"]),
        ('{"verdict": "correct", "label": " "}', ["/label"]),
        ('{"verdict": "correct", "label": "benign"}', ["/label"]),
        ('{"verdict": "correct", "label": "\\u0000"}', ["/label"]),
        ('{"verdict": "correct", "label": "\\ud800"}', ["/label"]),
        ('{"verdict": "agree", "label": "malignant"}', ["/label"]),
        ('{"verdict": "agree", "verdict": "agree"}', ["/verdict"]),
        ('{"verdict": "agree", "a/b~\\udc00": 1, "Note": ""}', ["/a~1b~0?", "/Note"]),
        (f'{{"verdict": "correct", "label": "{"x" * (MAX_LABEL + 1)}"}}', ["/label"]),
        (f'{{"verdict": "agree", "note": "{"x" * (MAX_NOTE + 1)}"}}', ["/note"]),
        (json.dumps({"verdict": "agree"} | dict.fromkeys(map(str, range(30)))), [f"/{n}" for n in range(20)]),
    ],
)
def test_it_refuses_an_invalid_body(client: Client, body: str, pointers: list[str]) -> None:
    assert faults(post_feedback(client, benign(), body)) == pointers
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("query", ["?limit=0", "?cursor=x", "?cursor=1.5", "?doctor=Kim"])
def test_it_refuses_an_invalid_query(client: Client, query: str) -> None:
    path = feedback_path(benign()) + query
    assert faults(client.get(path)) == [query[1:].partition("=")[0]]
    assert faults(client.post(path, {"verdict": "agree"}, content_type="application/json"))


def test_an_inference_without_a_row_is_not_found(client: Client) -> None:
    for response in (post_feedback(client, uuid7(), verdict="agree"), client.get(feedback_path(uuid7()))):
        assert "try again" in assert_problem(response, 404, "no-such-record")["detail"]


def test_an_unavailable_database_is_a_503(client: Client) -> None:
    inference_id = benign()
    assert_problem(
        with_database_down(lambda: post_feedback(client, inference_id, verdict="agree")), 503, "database-unavailable"
    )


def test_it_enforces_each_permission(client: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    inference_id = benign()
    assert_problem(post_feedback(client, inference_id, verdict="agree"), 401, "not-signed-in")
    user = User.objects.create_user("doctor")
    client.force_login(user)
    assert_problem(post_feedback(client, inference_id, verdict="agree"), 403, "not-allowed")
    for path in (feedback_path(inference_id), "/ml/v1/accuracy/", "/ml/v1/dataset/"):
        assert_problem(client.get(path), 403, "not-allowed")
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_feedback", "access_all_doctors"]))
    assert post_feedback(client, inference_id, verdict="agree").status_code == 201
    assert_problem(client.get(feedback_path(inference_id)), 403, "not-allowed")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_feedback", "access_all_doctors"]))
    assert [client.get(path).status_code for path in (feedback_path(inference_id), "/ml/v1/accuracy/")] == [200, 200]
    assert_problem(client.get("/ml/v1/dataset/"), 403, "not-allowed")
    user.user_permissions.set(Permission.objects.filter(codename__in=["export_dataset", "access_all_doctors"]))
    assert client.get("/ml/v1/dataset/").status_code == 200


def test_it_does_not_change_the_log_s_row(client: Client) -> None:
    inference_id = benign()
    before = InferenceLog.objects.values().get()
    post_feedback(client, inference_id, verdict="correct", label="malignant")
    assert InferenceLog.objects.values().get() == before


def test_erasing_an_inference_erases_its_verdicts(client: Client) -> None:
    gone, kept = insert_row(patient_name="A", output_data=model_answer("benign")).id, benign()
    for inference_id in (gone, kept, gone):
        post_feedback(client, inference_id, verdict="agree", note=f"{Feedback.objects.count()}: the patient is A")
    forget_accesses()
    call_command("erase", patient="A", reason="asked for", yes=True)
    assert [verdict.inference_id for verdict in Feedback.objects.all()] == [kept]
    assert_problem(client.get(feedback_path(gone)), 404, "no-such-record")


@pytest.mark.django_db(transaction=True)
def test_concurrent_repeats_store_one_verdict(client: Client) -> None:
    inference_id = benign()
    begun = threading.Barrier(5)

    def give() -> bool:
        try:
            begun.wait()
            return feedback.submit(inference_id, FeedbackRequest(verdict=Feedback.Verdict.AGREE), ANYONE)[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        with transaction.atomic():
            advisory_lock.hold(FEEDBACK_LOCK)
            given = [pool.submit(give) for _ in range(4)]
            begun.wait()
            if connection.vendor == "postgresql":
                until(lambda: _waiting() == 4, what="all four to wait for the lock")
            assert not Feedback.objects.exists()
        assert sorted(future.result() for future in given) == [False, False, False, True]
    assert Feedback.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_a_verdict_in_progress() -> None:
    inference_id = insert_row(patient_name="A").id

    def erase() -> None:
        try:
            call_command("erase", patient="A", reason="asked for", yes=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            advisory_lock.hold(FEEDBACK_LOCK)
            verdict = {"position": 1, "inference_id": inference_id, "verdict": "agree"}
            Feedback.objects.create(recorded_at=NOON, predicted_at=NOON, **verdict)
            erased = pool.submit(erase)
            if connection.vendor == "postgresql":
                until(lambda: _waiting() == 1, what="the erasure to wait for the lock")
        erased.result()
    assert not Feedback.objects.exists()


def test_a_verdict_on_an_inference_that_is_being_erased_is_not_stored(client: Client) -> None:
    inference_id = benign()

    def erase(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and "output_data" in sql:
            InferenceLog.objects.filter(pk=inference_id).delete()
        return found

    with connection.execute_wrapper(erase):
        assert_problem(post_feedback(client, inference_id, verdict="agree"), 404, "no-such-record")
    assert not Feedback.objects.exists()


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(cursor.fetchone()[0])
