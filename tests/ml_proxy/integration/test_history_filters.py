"""`GET /ml/v1/history/` by model and by verdict: what is found, what is refused, and who may ask."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from accounts.models import Profile
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.source import FEEDBACK
from recording import recorder
from tests.support.feedback import model_answer, post_feedback
from tests.support.inference_rows import NOON, insert_row

pytestmark = pytest.mark.django_db

HISTORY = "/ml/v1/history/"
AGREE, CORRECT = {"verdict": "agree"}, {"verdict": "correct", "label": "malignant"}


def found(client: Client, path: str = HISTORY, **query: str) -> list[str]:
    response = client.get(f"{path}?{urlencode(query)}")
    assert response.status_code == 200, response.content
    return [row["request_id"] for row in response.json()]


@pytest.fixture
def judged(client: Client) -> None:
    """Two doctors with two models, oldest first; all are judged but the last, and the first one twice."""
    given = [(CORRECT, AGREE), (CORRECT,), (AGREE,), (CORRECT,), ()]
    rows = [("Kim", "a"), ("Kim", "b"), ("Han", "a"), ("Han", "b"), ("Kim", "a")]
    for minute, ((doctor, model), verdicts) in enumerate(zip(rows, given, strict=True)):
        record = insert_row(
            doctor_name=doctor,
            model_name=model,
            output_data=model_answer("benign"),
            predicted_at=NOON + timedelta(minutes=minute),
            request_id=f"{minute}-{doctor}-{model}",
        )
        for verdict in verdicts:
            assert post_feedback(client, record.id, **verdict).status_code == 201


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"model": "a"}, ["4-Kim-a", "2-Han-a", "0-Kim-a"]),
        ({"model": "a", "doctor": "Kim"}, ["4-Kim-a", "0-Kim-a"]),
        ({"model": "A"}, []),
        ({"model": ""}, ["4-Kim-a", "3-Han-b", "2-Han-a", "1-Kim-b", "0-Kim-a"]),
        ({"verdict": "agree"}, ["2-Han-a", "0-Kim-a"]),
        ({"verdict": "correct"}, ["3-Han-b", "1-Kim-b"]),
        ({"verdict": "agree", "doctor": "Kim"}, ["0-Kim-a"]),
        ({"verdict": "correct", "model": "b"}, ["3-Han-b", "1-Kim-b"]),
        ({"verdict": "correct", "model": "b", "doctor": "Han"}, ["3-Han-b"]),
        ({"verdict": "correct", "model": "a"}, []),
        ({"verdict": "correct", "since": "2026-03-01T12:02Z"}, ["3-Han-b"]),
        ({"verdict": "correct", "until": "2026-03-01T12:03Z"}, ["1-Kim-b"]),
    ],
)
def test_it_finds_by_model_and_by_the_newest_verdict(
    client: Client, query: dict[str, str], expected: list[str]
) -> None:
    assert found(client, **query) == expected
    exported = client.get(f"{HISTORY}export/?{urlencode(query)}")
    assert b"".join(exported).count(b"\n") == len(expected)


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("query", ["model=a", "verdict=agree"])
def test_it_pages_on(client: Client, query: str) -> None:
    expected, url, pages = client.get(f"{HISTORY}?{query}").json(), f"{HISTORY}?{query}&limit=1", []
    while url:
        response = client.get(url)
        pages += response.json()
        url = response["Link"].partition(">")[0].removeprefix("<http://testserver") if "Link" in response else ""
    assert pages == expected


def test_many_superseded_verdicts_hide_nothing(client: Client) -> None:
    for minute in range(3):
        record = insert_row(
            output_data=model_answer("benign"), predicted_at=NOON + timedelta(minutes=minute), request_id=str(minute)
        )
        for verdict in (AGREE, CORRECT) * 2 + ((AGREE,) if minute != 1 else ()):
            assert post_feedback(client, record.id, **verdict).status_code == 201
    assert found(client, verdict="agree", limit="1") == ["2"]
    assert found(client, verdict="agree", limit="2") == ["2", "0"]
    assert found(client, verdict="correct", limit="1") == ["1"]


@pytest.mark.parametrize("path", [HISTORY, f"{HISTORY}export/"])
@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("model=a&patient=Lee", ["model"]),
        ("verdict=agree&patient=Lee&doctor=Kim", ["verdict"]),
        ("verdict=agree&model=a&patient=Lee", ["model", "verdict"]),
        ("verdict=maybe", ["verdict"]),
        ("model=a%00", ["model"]),
    ],
)
def test_it_refuses_what_has_no_index(client: Client, path: str, query: str, pointers: list[str]) -> None:
    response = client.get(f"{path}?{query}")
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == pointers


@pytest.fixture
def sign_in(client: Client, settings: Settings) -> Callable[..., None]:
    """Signs in a user with permissions, who sees one doctor's rows if a name is given."""
    settings.API_AUTH = "required"

    def sign(*permissions: str, doctor: str = "") -> None:
        user = User.objects.create_user(f"reader-{len(permissions)}{doctor}")
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        Profile.objects.create(user=user, doctor_name=doctor)
        client.force_login(user)

    return sign


@pytest.mark.usefixtures("judged")
def test_a_verdict_needs_the_right_to_read_verdicts(client: Client, sign_in: Callable[..., Any]) -> None:
    sign_in("view_inferencelog", "access_all_doctors")
    assert client.get(f"{HISTORY}?verdict=agree").status_code == 403
    sign_in("view_inferencelog", "access_all_doctors", "view_feedback")
    assert client.get(f"{HISTORY}?verdict=agree").status_code == 200


@pytest.mark.usefixtures("judged")
def test_a_doctor_finds_her_own_rows_only(client: Client, sign_in: Callable[..., Any]) -> None:
    sign_in("view_inferencelog", "view_feedback", doctor="Kim")
    assert found(client, verdict="agree") == ["0-Kim-a"]
    assert found(client, verdict="correct", model="b") == ["1-Kim-b"]
    assert found(client, model="a") == ["4-Kim-a", "0-Kim-a"]
    assert found(client, verdict="agree", doctor="Han") == []


@pytest.mark.usefixtures("judged")
def test_a_changed_copy_of_the_doctors_key_is_a_finding(client: Client) -> None:
    assert list(FEEDBACK.verify_derived()) == []
    first, second = Feedback.objects.order_by("position")[:2]
    Feedback.objects.filter(pk=first.pk).update(doctor_key=None)
    Feedback.objects.filter(pk=second.pk).update(doctor_key=second.pk)
    findings = [finding for step in FEEDBACK.verify_derived() for finding in step.findings]
    assert [each.kind for each in findings] == ["changed", "changed"]
    assert all(str(row.pk) in each.detail for row, each in zip((first, second), findings, strict=True))


def test_a_verdict_that_was_restored_before_its_inference_is_found(client: Client) -> None:
    record = insert_row(doctor_name="Kim", output_data=model_answer("benign"), request_id="restored")
    assert post_feedback(client, record.id, **AGREE).status_code == 201
    InferenceLog.objects.all().delete()
    Feedback.objects.update(doctor_key=None)
    recorder.record_as_row(record)
    assert found(client, verdict="agree", doctor="Kim") == ["restored"]
    assert list(FEEDBACK.verify_derived()) == []
