"""`/reception/`: inferences and verdicts without JavaScript, in Korean and in English."""

import json
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

import ml_proxy
from ml_proxy import feedback, model_classes
from ml_proxy.model_classes import ModelClasses
from ml_proxy.models import Feedback
from ml_proxy.pages import forms, reception
from tests.support.access_log import Noted
from tests.support.accounts import make_user
from tests.support.feedback import model_answer
from tests.support.inference_rows import NOON, insert_row
from tests.support.model import Conversation, ScriptedModel
from tests.support.translations import KOREAN, assert_translated, english
from tests.support.wait import until

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LIST = "/reception/"
KOREAN_TEXTS = {"benign": "양성 종양", "malignant": "악성 종양"}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "MODEL_CLASSES", ModelClasses())


@pytest.fixture
def desk(gateway: Client, model: ScriptedModel) -> Client:
    """A client signed in as a clinician who sees Dr. Kim's rows. The model server tells two classes."""
    model.script = tells_classes
    gateway.force_login(make_user("kim", "clinician", doctor_name="Dr. Kim"))
    return gateway


def tells(**more: Any) -> Callable[[Conversation], None]:
    """A script that answers model-info with two classes and `more`."""
    told = {"name": "stub", "version": "7", "classes": ["benign", "malignant"], **more}
    return lambda conversation: conversation.answer(json.dumps({"name": "stub", "models": [told]}).encode())


tells_classes = tells()
tells_texts = tells(translations={"ko": KOREAN_TEXTS})


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


def test_a_korean_reader_sees_the_model_s_korean_names_of_classes(desk: Client, model: ScriptedModel) -> None:
    model.script = tells_texts
    path = f"{LIST}{one()}/"
    desk.post(path, {"verdict": "correct", "label": "malignant"})
    found = page_of(desk, path, **KOREAN)
    assert re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)<', found) == [
        ("", "---------"),
        ("malignant", "악성 종양"),
    ]
    assert "<bdi>양성 종양</bdi> 90.0%" in found
    assert "정정: <bdi>악성 종양</bdi>" in found
    found = page_of(desk, **KOREAN)
    assert "<bdi>양성 종양</bdi> 90.0%" in found
    assert "정정: <bdi>악성 종양</bdi>" in found
    for each in (path, LIST):
        assert "종양" not in page_of(desk, each)


def test_a_verdict_in_korean_stores_the_model_s_label(desk: Client, model: ScriptedModel) -> None:
    model.script = tells_texts
    path = f"{LIST}{one()}/"
    assert desk.post(path, {"verdict": "correct", "label": "악성 종양"}, **KOREAN).status_code == 200
    assert desk.post(path, {"verdict": "correct", "label": "malignant"}, **KOREAN).status_code == 302
    assert Feedback.objects.get().label == "malignant"


def test_the_list_learns_the_names_without_waiting_for_them(
    desk: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_classes, "ASK_SECONDS", 60.0)
    is_answered = threading.Event()

    def script(conversation: Conversation) -> None:
        is_answered.wait(30)
        tells_texts(conversation)

    model.script = script
    one()
    assert "<bdi>benign</bdi>" in page_of(desk, **KOREAN)  # although nobody has answered
    is_answered.set()
    until(lambda: "<bdi>양성 종양</bdi>" in page_of(desk, **KOREAN), what="the Korean name")
    assert len(model.requests) == 1


def test_a_list_in_english_asks_nobody(desk: Client, model: ScriptedModel) -> None:
    one()
    page_of(desk)
    assert model.requests == []


def test_an_older_version_s_classes_have_the_names_of_the_serving_one(desk: Client, model: ScriptedModel) -> None:
    model.script = tells_texts
    page_of(desk, f"{LIST}{one()}/")
    insert_row(output_data=model_answer("malignant"), model_version="6")
    insert_row(output_data=model_answer("benign"), model_name="another")
    found = page_of(desk, **KOREAN)
    assert sorted(re.findall(r"<bdi>([^<]+)</bdi> 90", found)) == ["benign", "악성 종양", "양성 종양"]


@pytest.mark.parametrize(
    "translations",
    [
        {"ko": ["benign"]},
        {"ko": {"benign": 1}},
        {"ko": {"benign": " "}},
        {"ko": {"benign": "같음", "malignant": "같음"}},
        {"ko": {"benign": "malignant"}},
        {"fi": {"benign": "hyvänlaatuinen"}},
        "ko",
    ],
)
def test_what_is_no_usable_name_leaves_the_label(desk: Client, model: ScriptedModel, translations: Any) -> None:
    model.script = tells(translations=translations)
    found = page_of(desk, f"{LIST}{one()}/", **KOREAN)
    assert "<bdi>benign</bdi> 90.0%" in found
    assert '<option value="malignant">malignant</option>' in found


def test_versions_of_a_model_give_no_two_classes_one_name(desk: Client, model: ScriptedModel) -> None:
    """양성 is both benign and positive."""
    told = [
        {"name": "stub", "version": "6", "classes": ["benign"], "translations": {"ko": {"benign": "양성"}}},
        {"name": "stub", "version": "7", "classes": ["benign", "pos"], "translations": {"ko": {"pos": "양성"}}},
    ]
    model.script = lambda conversation: conversation.answer(json.dumps({"name": "stub", "models": told}).encode())
    found = page_of(desk, f"{LIST}{one()}/", **KOREAN)
    assert "<bdi>benign</bdi> 90.0%" in found
    assert '<option value="pos">pos</option>' in found


def test_while_the_model_server_is_away_a_known_name_stays(
    desk: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_classes, "AWAY_SECONDS", 0.0)
    one()
    model.script = lambda conversation: conversation.answer(b"{}", status="503 Service Unavailable")
    assert "<bdi>benign</bdi>" in page_of(desk, **KOREAN)
    model.script = tells_texts
    until(lambda: "<bdi>양성 종양</bdi>" in page_of(desk, **KOREAN), what="the Korean name")
    model.close()
    row = insert_row(output_data=model_answer("benign"), model_version="8")
    assert '<option value="malignant">악성 종양</option>' in page_of(desk, f"{LIST}{row.id}/", **KOREAN)


def test_errors_of_a_verdict_are_korean(desk: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"verdict": "correct", "label": "unsure"}
    path = f"{LIST}{one()}/"
    model.script = lambda conversation: conversation.answer(b"{}", status="503 Service Unavailable")
    monkeypatch.setattr(feedback, "MODEL_CLASSES", ModelClasses())
    away = desk.post(path, form, **KOREAN).content.decode()
    assert "잠시 뒤 다시 시도하세요" in away
    own = desk.post(path, {"verdict": "correct", "label": "benign"}, **KOREAN).content.decode()
    assert "모델의 결과와 같은 분류입니다" in own
    model.script = tells_classes
    monkeypatch.setattr(feedback, "MODEL_CLASSES", ModelClasses())
    unknown = desk.post(path, form, **KOREAN).content.decode()
    assert "모델에 없는 분류입니다. 쓸 수 있는 분류: benign, malignant" in unknown
    for html in (away, own, unknown):
        assert (
            english(html, "kim", "Dr", "Kim", "Lee", "stub", "benign", "malignant", "other", "atypical", "unsure")
            == set()
        )


@pytest.mark.parametrize("query", ["cursor=x", "doctor=%00", "patient=a&patient=b"])
def test_errors_of_a_query_are_korean(desk: Client, query: str) -> None:
    answer = desk.get(f"{LIST}?{query}", **KOREAN)
    assert answer.status_code == 400
    assert english(answer.content.decode(), "kim", "cursor", "NUL") == set()


def test_every_text_is_translated_and_the_compiled_file_is_that_of_the_source() -> None:
    package = Path(ml_proxy.__file__).parent
    pages = [
        *package.glob("templates/ml_proxy/*.html"),
        *(Path(str(each.__file__)) for each in (forms, feedback, model_classes)),
    ]
    assert_translated(package, pages, least=30)
