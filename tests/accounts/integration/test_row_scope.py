"""Row scope: what callers with doctors' names see and predict, in every place that shows inferences."""

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from accounts.callers import Caller, caller_of
from accounts.models import Profile
from common import problem_details
from integrations.mlflow import runs
from integrations.mlflow.entries import key_of, key_of_inference
from ml_proxy.history import HISTORY as INFERENCE_HISTORY
from ml_proxy.source import FEEDBACK, INFERENCES
from recording.history import History
from recording.urls import paths
from tests.support.accounts import bearer, make_user
from tests.support.feedback import feedback_path, model_answer, post_feedback
from tests.support.gateway import BODY, Journaled, assert_problem, predict
from tests.support.inference_rows import insert_row, insert_rows
from tests.support.query_plans import query_costs

pytestmark = pytest.mark.django_db

TABLE = "ml_proxy_inferencelog"
HISTORY = "/ml/v1/history/"
urlpatterns = [path("rows/", include(paths(INFERENCES, ""))), path("ml/v1/", include("ml_proxy.urls"))]
handler404 = problem_details.page_not_found


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def kim() -> dict[str, Any]:
    return bearer(make_user("kim", "clinician", doctor_name="Dr. Kim"))


@pytest.fixture
def reviewer() -> dict[str, Any]:
    return bearer(make_user("reviewer", "reviewer"))


def service(*doctors: str) -> dict[str, Any]:
    """A service that may read history too."""
    return bearer(make_user("service", "service", permissions=["view_inferencelog"], acts_for="\n".join(doctors)))


@pytest.fixture
def log() -> None:
    """Three doctors' rows in turn: Dr. Kim has 0, 3, 6, …, Dr. Lee 1, 4, …, Dr. Park 2, 5, …"""
    insert_rows(
        60,
        doctor="CASE i % 3 WHEN 0 THEN 'Dr. Kim' WHEN 1 THEN 'Dr. Lee' ELSE 'Dr. Park' END",
        patient="'P' || (i % 2)",
    )


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [UUID(row["id"]).int for row in json.loads(answer.content)]


@pytest.mark.usefixtures("log")
class TestHistory:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", range(57, -1, -3)),
            ("?doctor=Dr.+Kim", range(57, -1, -3)),
            ("?doctor=Dr.+Lee", []),
            ("?patient=P0", range(54, -1, -6)),
            ("?patient=P0&doctor=Dr.+Lee", []),
            ("?since=2026-03-01T12:00:55Z", [57]),
            ("?until=2026-03-01T12:00:04Z", [3, 0]),
        ],
    )
    def test_it_has_the_caller_s_own_rows(
        self, client: Client, kim: dict[str, Any], query: str, expected: range
    ) -> None:
        assert ids(client.get(f"{HISTORY}{query}", **kim)) == [*expected]
        exported = client.get(f"{HISTORY}export/{query}", **kim)
        lines = content(exported).splitlines()
        assert [UUID(json.loads(line)["id"]).int for line in lines] == [*expected]

    def test_all_who_may_see_all_do(self, client: Client, reviewer: dict[str, Any]) -> None:
        assert ids(client.get(HISTORY, **reviewer)) == [*range(59, -1, -1)]

    @pytest.mark.parametrize("limit", [1, 7, 100])
    def test_the_rows_of_several_doctors_are_merged_page_by_page(self, client: Client, limit: int) -> None:
        fields, found, url = service("Dr. Kim", "Dr. Park", "Dr. Nobody"), [], f"{HISTORY}?limit={limit}"
        while url:
            answer = client.get(url, **fields)
            found += ids(answer)
            url = answer.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
        assert found == [number for number in range(59, -1, -1) if number % 3 != 1]

    def test_several_doctors_with_filters(self, client: Client) -> None:
        fields = service("Dr. Kim", "Dr. Park")
        assert ids(client.get(f"{HISTORY}?patient=P1&since=2026-03-01T12:00:50Z", **fields)) == [59, 57, 53, 51]
        assert ids(client.get(f"{HISTORY}?doctor=Dr.+Lee", **fields)) == []
        assert ids(client.get(f"{HISTORY}?doctor=Dr.+Kim&limit=2", **fields)) == [57, 54]
        exported = content(client.get(f"{HISTORY}export/?format=csv", **fields)).decode()
        assert {row["doctor_name"] for row in csv.DictReader(io.StringIO(exported))} == {"Dr. Kim", "Dr. Park"}

    def test_a_service_without_doctors_sees_nothing(self, client: Client) -> None:
        assert ids(client.get(HISTORY, **service())) == []


def test_one_doctor_s_page_reads_one_range_of_one_index(client: Client, kim: dict[str, Any]) -> None:
    """The rows of others are newer: a filter over the newest rows would read them all."""
    insert_rows(3000, doctor="CASE WHEN i < 30 THEN 'Dr. Kim' ELSE 'Dr. Lee' END", patient="'P' || (i % 2)")
    for query in ("?limit=20", "?limit=20&patient=P0"):
        [cost] = query_costs(partial(client.get, f"{HISTORY}{query}", **kim), TABLE)
        assert "inference_by_doctor" in cost.plan or "inference_by_both" in cost.plan
        assert cost.rows <= 45


def test_several_doctors_pages_read_one_range_each(client: Client) -> None:
    insert_rows(3000, doctor="CASE WHEN i < 60 THEN 'Dr. ' || (i % 2) ELSE 'Dr. Lee' END", patient="'P'")
    costs = query_costs(partial(client.get, f"{HISTORY}?limit=20", **service("Dr. 0", "Dr. 1")), TABLE)
    assert len(costs) == 3
    assert sum(cost.rows for cost in costs) <= 150


@pytest.fixture
def others(settings: Settings) -> UUID:
    """An inference of Dr. Lee, with a verdict."""
    row = insert_row(doctor_name="Dr. Lee", output_data=model_answer("benign"))
    settings.API_AUTH = "open"
    assert post_feedback(Client(), row.id, verdict="agree").status_code == 201
    settings.API_AUTH = "required"
    return row.id


def test_another_doctor_s_inference_is_not_there(client: Client, kim: dict[str, Any], others: UUID) -> None:
    missing = client.get(f"{HISTORY}{UUID(int=1)}/", **kim).json()
    for answer in (
        client.get(f"{HISTORY}{others}/", **kim),
        client.get(f"{HISTORY}{others}/feedback/", **kim),
        client.get(f"{HISTORY}{str(others).upper()}/feedback/?limit=1", **kim),
        client.generic("POST", f"{HISTORY}{others}/feedback/", b'{"verdict": "agree"}', "application/json", **kim),
    ):
        found = assert_problem(answer, 404, "no-such-record")
        assert found["detail"] == missing["detail"]  # it does not tell that the id exists


def test_accuracy_and_the_data_set_count_what_the_caller_may_see(
    client: Client, others: UUID, reviewer: dict[str, Any]
) -> None:
    own = insert_row(doctor_name="Dr. Kim", output_data=model_answer("benign"))
    verdict = json.dumps({"verdict": "correct", "label": "malignant"})
    assert client.generic("POST", feedback_path(own.id), verdict, "application/json", **reviewer).status_code == 201
    fields = bearer(make_user("kim", "clinician", permissions=["export_dataset"], doctor_name="Dr. Kim"))
    [counted] = client.get("/ml/v1/accuracy/", **fields).json()
    assert (counted["agreed"], counted["corrected"]) == (0, 1)
    [counted] = client.get("/ml/v1/accuracy/", **reviewer).json()
    assert (counted["agreed"], counted["corrected"]) == (1, 1)
    lines = content(client.get("/ml/v1/dataset/", **fields)).splitlines()
    assert [json.loads(line)["inference_id"] for line in lines] == [str(own.id)]


def test_only_own_runs_of_mlflow(
    client: Client, settings: Settings, kim: dict[str, Any], others: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:9"
    own = insert_row(doctor_name="Dr. Kim").id

    def shown(**tags: str) -> int:
        monkeypatch.setattr(runs, "described", lambda _: {"run_id": "7", "tags": tags})
        return client.get("/ml/v1/mlflow/runs/7/", **kim).status_code

    assert shown(ml_proxy_key=key_of_inference(own), inference_id=str(own)) == 200
    assert shown(ml_proxy_key=key_of_inference(others), inference_id=str(others)) == 404
    assert shown(ml_proxy_key=key_of_inference(others), inference_id=str(own)) == 404  # a tag that somebody changed
    assert shown(ml_proxy_key=key_of("a day")) == 404


@pytest.mark.parametrize("name", ["Dr. Lee", " Dr. Lee ", "dr. kim"])
def test_a_prediction_for_another_doctor_is_refused(
    gateway: Client, kim: dict[str, Any], model: Any, journaled: Journaled, name: str
) -> None:
    for fields in ({}, {"HTTP_IDEMPOTENCY_KEY": "key"}):
        found = assert_problem(predict(gateway, {**BODY, "doctor_name": name}, **fields, **kim), 403, "not-allowed")
        assert "Dr. Kim" in found["detail"]
        assert found["errors"][0]["pointer"] == "/doctor_name"
    form = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = form.format("doctor_name", name) + form.format("patient_name", "Lee") + "--b--\r\n"
    refused = predict(gateway, body, CONTENT_TYPE="multipart/form-data; boundary=b", **kim)
    assert_problem(refused, 403, "not-allowed")
    assert (model.requests, journaled()) == ([], [])


@pytest.mark.parametrize("name", ["Dr. Kim", "  Dr. Kim "])
def test_a_name_is_compared_in_its_canonical_form(gateway: Client, kim: dict[str, Any], name: str) -> None:
    assert predict(gateway, {**BODY, "doctor_name": name}, **kim).status_code == 200


def test_decomposed_letters_are_the_same_name(gateway: Client) -> None:
    fields = bearer(make_user("zoe", "clinician", doctor_name="Zo\u00e9"))
    assert predict(gateway, {**BODY, "doctor_name": "Zoe\u0301"}, **fields).status_code == 200


def test_a_repeat_with_a_key_needs_the_doctor_too(gateway: Client) -> None:
    user = make_user("kim", "clinician", doctor_name="Dr. Kim")
    fields = {"HTTP_IDEMPOTENCY_KEY": "key", **bearer(user)}
    assert predict(gateway, **fields).status_code == 200
    user.profile.doctor_name = "Dr. Lee"
    user.profile.save()
    assert_problem(predict(gateway, **fields), 403, "not-allowed")


def test_a_service_predicts_for_its_doctors_only(gateway: Client) -> None:
    fields = bearer(make_user("service", "service", acts_for="Dr. Kim\nDr. Lee"))
    for name, status in (("Dr. Kim", 200), ("Dr. Lee", 200), ("service", 403)):
        assert predict(gateway, {**BODY, "doctor_name": name}, **fields).status_code == status


@pytest.mark.parametrize(
    ("user", "profile", "name"),
    [
        ({"username": "kim"}, None, "kim"),
        ({"username": "kim", "first_name": "Minjun", "last_name": "Kim"}, None, "Minjun Kim"),
        ({"username": "kim", "first_name": "Minjun"}, {"doctor_name": "Dr. Kim"}, "Dr. Kim"),
        ({"username": "kim"}, {"doctor_name": ""}, "kim"),
    ],
)
def test_the_name_of_a_user(gateway: Client, user: dict[str, str], profile: dict[str, str] | None, name: str) -> None:
    made = User.objects.create_user(**user)
    made.groups.add(make_user("other", "clinician").groups.get())
    if profile is not None:
        Profile.objects.create(user=made, **profile)
    fields = bearer(made)
    assert predict(gateway, {**BODY, "doctor_name": name}, **fields).status_code == 200
    assert predict(gateway, {**BODY, "doctor_name": "other"}, **fields).status_code == 403


@pytest.mark.usefixtures("log")
def test_another_engine_s_paths_have_the_scope_for_free(
    client: Client, settings: Settings, kim: dict[str, Any]
) -> None:
    settings.ROOT_URLCONF = __name__
    assert ids(client.get("/rows/?limit=2", **kim)) == [57, 54]
    assert client.get(f"/rows/{UUID(int=1)}/", **kim).status_code == 404
    assert client.get(f"/rows/{UUID(int=0)}/", **kim).status_code == 200
    lines = content(client.get("/rows/export/", **kim)).splitlines()
    assert {json.loads(line)["doctor_name"] for line in lines} == {"Dr. Kim"}


def test_a_source_without_a_column_for_the_scope_shows_nothing(others: UUID) -> None:
    history, scope = History(FEEDBACK), frozenset({"Dr. Lee"})
    assert history.page(history.filter(scope=None)).rows
    assert history.page(history.filter(scope=scope)).rows == []
    assert not history.matching(history.filter(scope=scope)).exists()


@pytest.mark.parametrize("call", [INFERENCE_HISTORY.filter, partial(INFERENCE_HISTORY.one, UUID(int=1))])
def test_nobody_can_forget_the_scope(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="scope"):
        call()


@pytest.mark.usefixtures("log")
def test_an_admin_page_has_the_user_s_rows(client: Client) -> None:
    user = make_user("kim", "clinician", doctor_name="Dr. Kim")
    User.objects.update(is_staff=True)
    client.force_login(user)
    for query in ("", "?q=P0", "?q=Dr.+Lee", f"?q={UUID(int=1)}"):
        page = client.get(f"/admin/ml_proxy/inferencelog/{query}").content.decode()
        assert "Dr. Park" not in page
        assert ("field-doctor_name" in page) == (query in {"", "?q=P0"}), query


def test_a_caller_is_known_by_both_kinds_of_request(gateway: Client, kim: dict[str, Any], rf: Any) -> None:
    request = gateway.get(HISTORY, **kim).wsgi_request
    found = caller_of(request)
    assert isinstance(found, Caller)
    assert (found.name, found.doctors, found.is_superuser) == ("kim", frozenset({"Dr. Kim"}), False)
    assert found.may("ml_proxy.view_inferencelog")
    assert not found.may("ml_proxy.export_dataset")
    assert found.token_id
    assert (found.may_see("Dr. Kim"), found.may_see("Dr. Lee")) == (True, False)
