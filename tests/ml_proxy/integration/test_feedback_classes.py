"""A verdict's label must be a class of the model that answered, as far as the model server tells its classes."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from ml_proxy import feedback, model_classes
from ml_proxy.model_classes import ModelClasses
from ml_proxy.models import Feedback
from tests.support.feedback import model_answer, post_feedback
from tests.support.gateway import assert_problem
from tests.support.inference_rows import insert_row
from tests.support.model import Conversation, ScriptedModel
from tests.support.network import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker"), pytest.mark.any_database]

CLASSES = ["benign", "malignant", "카페\u0301"]  # the last one is decomposed


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MODEL_CLASSES", ModelClasses())


def tells(*models: dict[str, Any]) -> Callable[[Conversation], None]:
    """A script that answers model-info."""

    def script(conversation: Conversation) -> None:
        if conversation.line == "GET /api/v1/model-info HTTP/1.1":
            conversation.answer(json.dumps({"name": "m", "version": "1", "models": list(models)}).encode())
        else:
            assert conversation.line.startswith("GET /api/v1/models/")
            conversation.answer(b"{}", status="404 Not Found")

    return script


def described(version: str = "1", classes: Any = CLASSES, name: str = "m") -> dict[str, Any]:
    return {"name": name, "version": version, "classes": classes}


def correct(gateway: Client, label: str, version: str = "1", name: str = "m") -> Any:
    row = insert_row(output_data=model_answer("benign"), model_name=name, model_version=version)
    return post_feedback(gateway, row.id, verdict="correct", label=label)


def test_a_label_that_is_no_class_is_a_400_that_lists_the_classes(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells(described())
    for label in ("bening", "Malignant", "other"):
        found = assert_problem(correct(gateway, label), 400, "bad-input")
        told = "is no class of the model: use benign, malignant, 카페\u0301"
        assert [error["pointer"] for error in found["errors"]] == ["/label"]
        assert found["errors"][0]["detail"].replace("é", "e\u0301") == told
    assert not Feedback.objects.exists()
    assert len(model.requests) == 1  # remembered


@pytest.mark.parametrize("label", ["malignant", " malignant ", "카페\u0301"])
def test_a_class_is_accepted(gateway: Client, model: ScriptedModel, label: str) -> None:
    model.script = tells(described())
    assert correct(gateway, label).status_code == 201


def test_each_version_has_its_own_classes(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells(described("1"), described("1", ["cat"], name="pets"))
    assert correct(gateway, "cat").status_code == 400
    assert correct(gateway, "cat", name="pets").status_code == 201
    model.script = tells(described("2", ["benign", "unsure"]))  # after a promotion
    assert correct(gateway, "unsure").status_code == 400  # the old version is still known
    assert correct(gateway, "unsure", "2").status_code == 201
    assert correct(gateway, "malignant", "2").status_code == 400
    assert len(model.requests) == 2


def test_an_agreement_asks_nothing(gateway: Client, model: ScriptedModel) -> None:
    row = insert_row(output_data=model_answer("benign"), model_name="m", model_version="1")
    assert post_feedback(gateway, row.id, verdict="agree").status_code == 201
    assert model.requests == []


@pytest.mark.parametrize(
    "models",
    [
        [],
        [described("7")],
        [{"name": "m", "version": "1"}],
        [described(classes="benign")],
        [described(classes=[])],
        [described(classes=[1, 2])],
        [described(version=1)],  # type: ignore[arg-type]
        ["m"],
    ],
)
def test_a_model_that_does_not_tell_its_classes_accepts_any_label(
    gateway: Client, model: ScriptedModel, models: list[Any]
) -> None:
    model.script = tells(*models)
    assert correct(gateway, "bening").status_code == 201
    assert correct(gateway, "bening").status_code == 201
    assert len(model.requests) == 2  # model-info and the version's own path; not asked each time


@pytest.mark.parametrize("answer", [b"[]", b"{", b"\xff", b"null", b'{"models": {}}'])
def test_an_answer_that_is_no_description_accepts_any_label(
    gateway: Client, model: ScriptedModel, answer: bytes
) -> None:
    model.script = lambda conversation: conversation.answer(answer)
    assert correct(gateway, "bening").status_code == 201


def test_a_version_that_no_longer_serves_has_its_classes_too(gateway: Client, model: ScriptedModel) -> None:
    """After a promotion `model-info` describes the new version only."""

    def script(conversation: Conversation) -> None:
        is_info = conversation.line == "GET /api/v1/model-info HTTP/1.1"
        new, old = described("2", ["benign", "unsure"]), described("1")
        conversation.answer(json.dumps({"models": [new]} if is_info else old).encode())

    model.script = script
    found = assert_problem(correct(gateway, "bening"), 400, "bad-input")
    assert "use benign, malignant" in found["errors"][0]["detail"]
    assert model.requests[-1].line == "GET /api/v1/models/m/versions/1 HTTP/1.1"
    assert correct(gateway, "unsure").status_code == 400
    assert correct(gateway, "malignant").status_code == 201
    assert len(model.requests) == 2


def test_a_name_that_is_no_part_of_a_path_is_asked_of_model_info_alone(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells(described())
    assert correct(gateway, "bening", version="../../retrain").status_code == 201
    assert len(model.requests) == 1


def test_a_model_server_that_is_away_leaves_the_verdict_to_be_tried_again(gateway: Client, settings: Settings) -> None:
    settings.ML_SERVER_URL = f"http://127.0.0.1:{free_port()}"
    response = correct(gateway, "bening")
    assert_problem(response, 503, "unavailable")
    assert response["Retry-After"]
    assert not Feedback.objects.exists()


def test_a_label_that_the_answer_itself_names_needs_no_model_server(gateway: Client, settings: Settings) -> None:
    settings.ML_SERVER_URL = f"http://127.0.0.1:{free_port()}"
    answer = json.dumps({"predictions": [{"label": "benign"}, {"label": "malignant"}, {"label": 7}, 8]})
    row = insert_row(output_data=answer, model_name="m", model_version="1")
    assert post_feedback(gateway, row.id, verdict="correct", label="malignant").status_code == 201


def test_once_the_model_server_is_back_a_verdict_is_checked(
    gateway: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_classes, "AWAY_SECONDS", 0.0)
    model.script = lambda conversation: conversation.answer(b"{}", status="503 Service Unavailable")
    assert correct(gateway, "bening").status_code == 503
    model.script = tells(described())
    assert correct(gateway, "bening").status_code == 400
    assert correct(gateway, "malignant").status_code == 201


def test_a_model_server_that_hangs_delays_one_verdict_by_a_bounded_time(
    gateway: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_classes, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(model_classes, "AWAY_SECONDS", 60.0)

    def hang(_: Conversation) -> None:
        model.gone.wait()

    model.script = hang
    started = time.monotonic()
    assert correct(gateway, "bening").status_code == 503
    assert 0.3 <= time.monotonic() - started < 30
    assert correct(gateway, "bening").status_code == 503
    assert len(model.requests) == 1


def test_no_transaction_is_open_while_the_model_server_is_asked(
    gateway: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []
    ask = model_classes.ModelClasses._ask

    def watched(self: ModelClasses, key: Any) -> None:
        depths.append(len(connection.savepoint_ids))
        ask(self, key)

    monkeypatch.setattr(ModelClasses, "_ask", watched)
    outside = len(connection.savepoint_ids)
    model.script = tells(described())
    assert correct(gateway, "malignant").status_code == 201
    assert depths == [outside]


def test_a_model_of_very_many_classes_lists_some(gateway: Client, model: ScriptedModel) -> None:
    model.script = tells(described(classes=[f"class {number}" for number in range(1000)]))
    [error] = assert_problem(correct(gateway, "bening"), 400, "bad-input")["errors"]
    assert error["detail"].endswith("class 99, or one of 900 more (see model-info)")
