"""`/reception/`: inferences and verdicts without JavaScript, in Korean and in English."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

import ml_proxy
from ml_proxy.model_classes import ModelClasses
from ml_proxy.models import Feedback
from ml_proxy.pages import forms, reception
from tests.support.access_log import Noted
from tests.support.accounts import make_user
from tests.support.feedback import model_answer
from tests.support.inference_rows import NOON, insert_row
from tests.support.model import Conversation, ScriptedModel
from tests.support.translations import assert_translated

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LIST = "/reception/"
KOREAN: dict[str, Any] = {"HTTP_ACCEPT_LANGUAGE": "ko-KR,ko;q=0.9,en;q=0.8"}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "MODEL_CLASSES", ModelClasses())


@pytest.fixture
def desk(gateway: Client, model: ScriptedModel) -> Client:
    """A client signed in as a clinician who sees Dr. Kim's rows. The model server tells two classes."""
    model.script = tells_classes
    gateway.force_login(make_user("kim", "clinician", doctor_name="Dr. Kim"))
    return gateway


def tells_classes(conversation: Conversation) -> None:
    told = {"name": "stub", "version": "7", "classes": ["benign", "malignant"]}
    conversation.answer(json.dumps({"name": "stub", "models": [told]}).encode())


def page_of(client: Client, path: str = LIST, **fields: Any) -> str:
    response = client.get(path, **fields)
    assert response.status_code == 200, response
    assert "no-store" in response["Cache-Control"]
    assert "Accept-Language" in response["Vary"]
    return str(response.content.decode())


def one() -> UUID:
    row_id: UUID = insert_row(output_data=model_answer("benign")).id
    return row_id


def test_it_lists_the_newest_first_in_pages_without_gap_or_repeat(desk: Client) -> None:
    for number in range(reception.PER_PAGE + 2):
        insert_row(patient_name=f"p{number:02d}", predicted_at=NOON + timedelta(minutes=number))
    insert_row(doctor_name="Dr. Lee", patient_name="secret")
    first = page_of(desk)
    insert_row(patient_name="late", predicted_at=NOON + timedelta(days=1))
    [older] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = page_of(desk, LIST + older.replace("&amp;", "&"))
    shown = re.findall(r"<bdi>(p\d\d)</bdi>", first + second)
    assert shown == [f"p{number:02d}" for number in reversed(range(reception.PER_PAGE + 2))]
    assert "secret" not in first + second
    assert "secret" not in page_of(desk, f"{LIST}?doctor=Dr.+Lee")


def test_it_filters_by_doctor_and_patient(desk: Client) -> None:
    insert_row(patient_name="Lee")
    insert_row(patient_name="Choi")
    found = page_of(desk, f"{LIST}?patient=Choi&doctor=Dr.+Kim")
    assert "<bdi>Choi</bdi>" in found
    assert "<bdi>Lee</bdi>" not in found
    assert desk.get(f"{LIST}?cursor=x").status_code == 400


@pytest.mark.parametrize(
    ("fields", "title", "time", "button"),
    [
        (KOREAN, "최근 추론", "2026-03-01 21:00", "로그아웃"),
        ({"HTTP_ACCEPT_LANGUAGE": "en"}, "Newest inferences", "2026-03-01 12:00", "Sign out"),
        ({}, "Newest inferences", "2026-03-01 12:00", "Sign out"),
        ({"HTTP_ACCEPT_LANGUAGE": "fi"}, "Newest inferences", "2026-03-01 12:00", "Sign out"),
    ],
)
def test_it_speaks_the_language_that_the_browser_asks_for(
    desk: Client, fields: dict[str, Any], title: str, time: str, button: str
) -> None:
    insert_row()
    found = page_of(desk, **fields)
    assert all(text in found for text in (f"<h1>{title}</h1>", time, button))
    assert f'<html lang="{"ko" if fields == KOREAN else "en"}">' in found
    assert "Newest inferences" in page_of(desk)  # nothing of it is left in the thread


def test_a_verdict_is_stored_as_the_api_stores_it(desk: Client, noted: Noted) -> None:
    row_id = one()
    found = page_of(desk, f"{LIST}{row_id}/")
    assert re.findall(r'<option value="([^"]*)"', found) == ["", "malignant"]
    answer = desk.post(f"{LIST}{row_id}/", {"verdict": "correct", "label": "malignant", "note": " 다시 봄 "})
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{row_id}/?saved=1")
    verdict = Feedback.objects.get()
    assert (verdict.verdict, verdict.label, verdict.note, verdict.caller) == ("correct", "malignant", "다시 봄", "kim")
    assert verdict.seal is not None
    assert "판정을 저장했습니다." in page_of(desk, answer["Location"], **KOREAN)
    assert "정정: <bdi>malignant</bdi>" in page_of(desk, **KOREAN)
    actions = [entry.action for entry in noted() if entry.patients != "[]"]
    assert actions == ["inference.read", "feedback.create", "inference.read", "inference.list"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"verdict": "correct"}, "올바른 분류를 고르세요."),
        ({"verdict": "agree", "label": "malignant"}, "모델이 맞으면 비워 두세요."),
        ({}, "필수 항목입니다."),
        ({"verdict": "correct", "label": "benign"}, "올바르게 선택해 주세요."),
        ({"verdict": "correct", "label": "bening"}, "올바르게 선택해 주세요."),
        ({"verdict": "agree", "note": "x" * 2001}, "2000"),
    ],
)
def test_a_form_that_contradicts_itself_stores_nothing(desk: Client, form: dict[str, str], message: str) -> None:
    answer = desk.post(f"{LIST}{one()}/", form, **KOREAN)
    assert answer.status_code == 200
    assert message in answer.content.decode(), answer.content.decode()
    assert not Feedback.objects.exists()


def test_a_model_server_that_is_away_leaves_a_field_for_the_class(desk: Client, model: ScriptedModel) -> None:
    model.close()
    row_id = one()
    found = page_of(desk, f"{LIST}{row_id}/")
    assert '<input type="text" name="label"' in found
    assert re.findall(r'<option value="([^"]*)"', found) == [
        "benign",
        "other",
        "malignant",
        "atypical",
    ]
    refused = desk.post(f"{LIST}{row_id}/", {"verdict": "correct", "label": "unsure", "note": "kept text"})
    assert refused.status_code == 200
    assert "kept text" in refused.content.decode()
    assert "try again" in refused.content.decode()
    assert desk.post(f"{LIST}{row_id}/", {"verdict": "correct", "label": "other"}).status_code == 302


def test_a_form_of_another_origin_is_refused(desk: Client, model: ScriptedModel) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="kim"))
    row_id = one()
    assert strict.post(f"{LIST}{row_id}/", {"verdict": "agree"}).status_code == 403
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page_of(strict, f"{LIST}{row_id}/"))[-1]
    assert strict.post(f"{LIST}{row_id}/", {"verdict": "agree", "csrfmiddlewaretoken": token}).status_code == 302


def test_text_of_models_and_callers_is_escaped(desk: Client) -> None:
    markup = "<script>alert(1)</script>"
    row = insert_row(patient_name=markup, input_data=json.dumps({"x": markup}), output_data=model_answer(markup))
    for path in (LIST, f"{LIST}{row.id}/"):
        assert markup not in page_of(desk, path)


def test_every_text_is_translated_and_the_compiled_file_is_that_of_the_source() -> None:
    package = Path(ml_proxy.__file__).parent
    pages = [*package.glob("templates/ml_proxy/reception*.html"), Path(forms.__file__)]
    assert_translated(package, pages, least=20)
