"""Refused requests are in the access log, and no caller can fill it with them."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from accounts.access_log import refusals
from common.rate_limits import RateLimit
from tests.support.access_log import Noted
from tests.support.accounts import bearer, make_user
from tests.support.gateway import assert_problem, predict
from tests.support.model import Conversation, ScriptedModel
from tests.support.wait import until

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

V1 = "/ml/v1/"
ROUTES = {
    "history/": "ml_proxy.view_inferencelog",
    "history/export/": "ml_proxy.view_inferencelog",
    "dataset/": "ml_proxy.export_dataset",
    "access-log/": "accounts.view_accesslog",
    "access-log/export/": "accounts.view_accesslog",
    "mlflow/runs/1/": "ml_proxy.view_inferencelog",
    "retrain/jobs/": "jobs.view_job",
}


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def service(gateway: Client) -> dict[str, Any]:
    """Credentials that may predict for one doctor, and look at nothing."""
    return bearer(make_user("ward", "service", acts_for="Dr. Kim"))


def refused(noted: Noted) -> list[tuple[str, str, int, str]]:
    return [(each.action, each.account, each.status, each.detail) for each in noted() if each.status >= 400]


@pytest.mark.parametrize("path", ROUTES)
def test_a_look_without_the_permission_is_noted(
    gateway: Client, service: dict[str, Any], noted: Noted, path: str
) -> None:
    assert_problem(gateway.get(V1 + path, **service), 403, "not-allowed")
    assert refused(noted) == [("access.refused", "ward", 403, f"lacks {ROUTES[path]}")]
    assert noted()[-1].token_id != ""
    assert noted()[-1].route.startswith(f"ml/v1/{path[:6]}")


def test_a_promotion_and_a_prediction_without_the_permission_are_noted_once(gateway: Client, noted: Noted) -> None:
    nobody = bearer(make_user("nobody"))
    url = f"{V1}models/a/versions/1/promote/"
    assert gateway.post(url, {"reason": "x"}, content_type="application/json", **nobody).status_code == 403
    assert predict(gateway, **nobody).status_code == 403
    assert refused(noted) == [
        ("access.refused", "nobody", 403, "lacks ml_proxy.promote_model"),
        ("access.refused", "nobody", 403, "lacks ml_proxy.add_inferencelog"),
    ]


def test_a_page_of_the_admin_without_the_permission_is_noted(gateway: Client, noted: Noted) -> None:
    gateway.force_login(User.objects.create_user("desk", is_staff=True))
    assert gateway.get("/admin/ml_proxy/inferencelog/").status_code == 403
    assert refused(noted) == [("access.refused", "desk", 403, "lacks a permission for this page")]


def test_readiness_without_the_permission_for_its_parts_is_no_refusal(
    gateway: Client, service: dict[str, Any], noted: Noted
) -> None:
    gateway.get("/readyz", **service)
    assert refused(noted) == []


def test_one_caller_makes_one_entry_a_minute_with_a_count(
    gateway: Client, service: dict[str, Any], noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "WINDOW_SECONDS", 2.0)
    other = bearer(make_user("other"))
    for number in range(30):
        gateway.get(f"{V1}history/", **service, HTTP_X_REQUEST_ID=f"r{number}")
    gateway.get(f"{V1}history/", **other)
    gateway.get(f"{V1}history/export/", **service)
    assert next(each.request_id for each in noted() if each.account == "ward") == "r0"
    assert [(account, detail) for _, account, _, detail in refused(noted)] == [
        ("ward", "lacks ml_proxy.view_inferencelog"),
        ("other", "lacks ml_proxy.view_inferencelog"),
        ("ward", "lacks ml_proxy.view_inferencelog"),
    ]
    until(lambda: len(refused(noted)) == 4, what="the count of the others, after the window")
    last = noted()[-1]
    assert last.detail.startswith("lacks ml_proxy.view_inferencelog; 29 more since ")
    assert (last.account, last.route, last.address) == ("ward", "ml/v1/history/", "127.0.0.1")


def test_a_caller_over_its_rate_limit_makes_one_entry(
    gateway: Client, service: dict[str, Any], noted: Noted, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"predict": RateLimit(1, 3600)}
    body = {"doctor_name": "Dr. Kim", "patient_name": "Lee"}
    answers = [predict(gateway, body, **service).status_code for _ in range(20)]
    assert answers == [200] + [429] * 19
    assert refused(noted) == [("prediction.failed", "ward", 429, "too-many-requests")]


def test_a_caller_that_predicts_for_other_doctors_makes_one_entry(
    gateway: Client, service: dict[str, Any], noted: Noted
) -> None:
    for number in range(20):
        body = {"doctor_name": f"Dr. {number}", "patient_name": "Lee"}
        assert predict(gateway, body, **service).status_code == 403
    assert refused(noted) == [("prediction.failed", "ward", 403, "not-allowed")]


def test_each_failure_of_the_model_is_noted(
    gateway: Client, service: dict[str, Any], noted: Noted, model: ScriptedModel
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.answer(json.dumps({}).encode(), status="422 Unprocessable Content")

    model.script = script
    for _ in range(3):
        assert predict(gateway, {"doctor_name": "Dr. Kim", "patient_name": "Lee"}, **service).status_code == 422
    assert refused(noted) == [("prediction.failed", "ward", 422, "the model server answered 422")] * 3
