"""Promotion and roll-back through the gateway, in front of the real model server."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from ml_server.app import create_app
from tests.support.access_log import Noted
from tests.support.databases import table_missing
from tests.support.gateway import assert_problem
from tests.support.model import Conversation, ScriptedModel
from tests.support.waitress_server import served_on_loopback

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TOKEN = "t" * 32
MODEL = "breast-cancer-wisconsin"
REASON = {"reason": "version 2 misses 김 (synthetic)"}


def path(version: str = "1", model: str = MODEL) -> str:
    return f"/ml/v1/models/{model}/versions/{version}/promote/"


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference model server with a token, and two versions of its default model."""
    app = create_app(tmp_path_factory.mktemp("models"), read_token=lambda: TOKEN)
    trained = app.test_client().post("/api/v1/retrain", json={"params": {"promote": "always", "epochs": 1}})
    assert trained.get_json()["model"]["version"] == "2"
    with served_on_loopback(app) as url:
        yield url


@pytest.fixture
def real(gateway: Client, settings: Settings, model_server: str) -> Client:
    settings.ML_SERVER_URL, settings.ML_SERVER_TOKEN = model_server, TOKEN
    return gateway


def serving(gateway: Client) -> str:
    models = gateway.get("/ml/v1/models/").json()["models"]
    [found] = [each["serving"] for each in models if each["name"] == MODEL]
    return str(found)


def promote(gateway: Client, url: str, body: Any = REASON, **fields: Any) -> Any:
    return gateway.post(url, json.dumps(body), content_type="application/json", **fields)


def recorded(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [record.getMessage() for record in caplog.records if record.name == "ml_proxy.promotion"]
    return [json.loads(line.removeprefix("promotion ")) for line in lines]


def test_it_promotes_and_rolls_back_and_records_who_and_why(
    real: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.API_AUTH = "required"
    user = User.objects.create_user("trainer")
    user.user_permissions.add(Permission.objects.get(codename="promote_model"))
    real.force_login(user)
    real.cookies["csrftoken"] = "a" * 32
    with caplog.at_level(logging.INFO):
        for version in ("1", "2", "1"):
            response = promote(real, path(version), HTTP_X_CSRFTOKEN="a" * 32)
            assert (response.status_code, response.json()["model"]) == (200, {"name": MODEL, "version": version})
            assert serving(real) == version
    told = [{"model": MODEL, "version": version, "status": 200, "caller": "trainer", **REASON} for version in "121"]
    assert recorded(caplog) == told


def test_the_lineage_says_who_promoted_and_why(real: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    user = User.objects.create_user("김서연 (synthetic)")
    user.user_permissions.add(Permission.objects.get(codename="promote_model"))
    real.force_login(user)
    real.cookies["csrftoken"] = "a" * 32
    promote(real, path("2"), HTTP_X_CSRFTOKEN="a" * 32)
    model = real.get("/ml/v1/model-info/").json()["models"][0]
    told = model["lineage"]["promotions"][-1]
    assert (model["version"], told["version"], told["how"]) == ("2", "2", "by a person")
    assert (told["by"], told["reason"]) == ("김서연 (synthetic)", REASON["reason"])


def test_it_passes_the_model_servers_refusals_on_and_records_them(
    real: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for url in (path("99"), path(model="nothing")):
            assert promote(real, url).status_code == 404
    assert [entry["status"] for entry in recorded(caplog)] == [404, 404]


def test_it_records_a_promotion_whose_outcome_is_not_known(
    gateway: Client, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.script = lambda conversation: conversation.sock.close()
    with caplog.at_level(logging.INFO):
        assert_problem(promote(gateway, path()), 502, "upstream-unreachable")
    assert [entry["status"] for entry in recorded(caplog)] == [502]


def test_each_promotion_is_in_the_access_log(
    real: Client, gateway: Client, settings: Settings, noted: Noted, model: ScriptedModel
) -> None:
    promote(real, path("1"), HTTP_X_PURPOSE="operations")
    promote(real, path("99"))
    settings.ML_SERVER_URL = model.url
    model.script = lambda conversation: conversation.sock.close()
    promote(gateway, path("2"))
    found = [each for each in noted() if each.action == "model.promote"]
    assert [(json.loads(each.filters), each.status, each.purpose) for each in found] == [
        ({"model": MODEL, "version": "1"}, 200, "operations"),
        ({"model": MODEL, "version": "99"}, 404, ""),
        ({"model": MODEL, "version": "2"}, 502, ""),
    ]
    assert {each.detail for each in found} == {REASON["reason"]}


def test_a_promotion_is_noted_before_the_model_server_is_asked(
    gateway: Client, model: ScriptedModel, noted: Noted
) -> None:
    before: list[Any] = []

    def script(conversation: Conversation) -> None:
        before.extend(noted())
        conversation.answer()

    model.script = script
    assert promote(gateway, path()).status_code == 200
    assert [(each.action, each.detail) for each in before] == [("model.promote-begin", REASON["reason"])]


def test_a_promotion_that_cannot_be_noted_promotes_nothing(
    gateway: Client, model: ScriptedModel, tmp_path: Path
) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with table_missing("accounts_accesslog"):
        assert_problem(promote(gateway, path()), 503, "not-recorded")
    assert model.requests == []


def test_a_purpose_that_cannot_be_kept_promotes_nothing(gateway: Client, model: ScriptedModel, noted: Noted) -> None:
    found = assert_problem(promote(gateway, path(), HTTP_X_PURPOSE="x" * 201), 400, "bad-input")
    assert found["errors"][0]["pointer"] == "X-Purpose"
    assert (model.requests, noted()) == ([], [])


def test_without_the_secret_the_gateway_may_not_promote_for_a_page(
    real: Client, settings: Settings, model_server: str
) -> None:
    settings.ML_SERVER_TOKEN = "x" * 32
    refused = promote(real, path("2"))
    assert (refused.status_code, "ML_SERVER_TOKEN" in refused.json()["error"]) == (403, True)


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({}, "/reason", "is missing: say why"),
        ({"reason": " \t"}, "/reason", "must not be blank"),
        ({"reason": 7}, "/reason", "must be a string"),
        ({"reason": None}, "/reason", "must be a string"),
        ({"reason": "x" * 501}, "/reason", "must have at most 500 characters"),
        ({"reason": "x", "why": "y"}, "/why", "is unknown; give a reason"),
    ],
)
def test_a_reason_is_required(gateway: Client, model: ScriptedModel, body: Any, pointer: str, detail: str) -> None:
    found = assert_problem(promote(gateway, path(), body), 400, "bad-input")
    assert found["errors"] == [{"pointer": pointer, "detail": detail}]
    assert model.requests == []


def test_a_reason_is_given_once(gateway: Client, model: ScriptedModel) -> None:
    twice = '{"reason": "a", "reason": "b"}'
    found = assert_problem(gateway.post(path(), twice, content_type="application/json"), 400, "bad-input")
    assert found["errors"] == [{"pointer": "/reason", "detail": "must be given once"}]
    assert model.requests == []


@pytest.mark.parametrize(
    "name", ["..", ".", "%2e%2e", "a%2Fb", "a%3Fb", "a%20b", "%EA%B9%80", "x" * 101, "a%00", "1%0A"]
)
def test_a_name_can_not_lead_to_another_path(gateway: Client, model: ScriptedModel, name: str) -> None:
    for url in (path(model=name), path(version=name)):
        assert_problem(promote(gateway, url), 404, "unknown-path")
    assert model.requests == []


def test_only_what_changes_a_model_gets_the_secret(gateway: Client, settings: Settings, model: ScriptedModel) -> None:
    settings.ML_SERVER_TOKEN = TOKEN
    for name in ("status/", "model-info/"):
        gateway.get(f"/ml/v1/{name}", HTTP_AUTHORIZATION="Bearer of-the-caller")
    assert not any("authorization" in request.fields for request in model.requests)
    model.requests.clear()
    promote(gateway, path(), HTTP_AUTHORIZATION="Bearer of-the-caller")
    gateway.post("/ml/v1/retrain/", b"", content_type="application/json", HTTP_AUTHORIZATION="Bearer of-the-caller")
    assert [request.fields["authorization"] for request in model.requests] == [f"Bearer {TOKEN}"] * 2
    assert model.requests[0].line == f"POST /api/v1/models/{MODEL}/versions/1/promote HTTP/1.1"
