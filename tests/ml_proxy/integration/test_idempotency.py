"""`Idempotency-Key`: repeats by the same caller get the first answer, with one model call and one record."""

import gzip
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from pytest_django import Settings

from ml_proxy import idempotency
from ml_proxy.models import IdempotencyKey
from ml_proxy.source import INFERENCES
from recording.erasure import erase_unrecorded
from tests.support.gateway import Journaled, assert_problem, sends_and_stays_open
from tests.support.idempotency import DAY, RAW, ago, predict_with_key
from tests.support.model import PREDICTION, Conversation, ScriptedModel
from tests.support.wait import until

pytestmark = pytest.mark.django_db

FIRST = [
    (b"Content-Type: application/json; v=1\r\nX-A: \xed\x95\x9c\r\nX-Two: a=1\r\nX-Two: b=2\r\n", PREDICTION),
    (b"", b' {"a": "\\u0000"}\n'),
    (b"Content-Encoding: gzip\r\n", gzip.compress(PREDICTION, mtime=0)),
]


@pytest.mark.parametrize("line", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 299 Odd \xe9\r\n", b"HTTP/1.1 201\r\n"])
@pytest.mark.parametrize("answer", FIRST)
def test_it_repeats_the_first_answer(
    gateway: Client, model: ScriptedModel, journaled: Journaled, line: bytes, answer: tuple[bytes, bytes]
) -> None:
    head, body = answer
    model.script = sends_and_stays_open(line, head, b"Content-Length: %d\r\n\r\n" % len(body), body)
    first = predict_with_key(gateway)
    model.script = Conversation.answer
    again = predict_with_key(gateway)
    assert (first.status_code, first.content) == (int(line[9:12]), body)
    assert seen(again) == seen(first)
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert (len(model.requests), [str(record.id) for record in journaled()]) == (1, [first["X-Inference-ID"]])


def seen(response: Any) -> tuple[Any, ...]:
    """Returns everything that a caller sees, except the request id."""
    fields = [field for field in response.items() if field[0] != "X-Request-ID"]
    return response.status_code, response.reason_phrase, fields, response.content


def test_another_key_is_another_request(gateway: Client, journaled: Journaled) -> None:
    assert predict_with_key(gateway, key="a")["X-Inference-ID"] != predict_with_key(gateway, key="b")["X-Inference-ID"]
    assert len(journaled()) == 2


def test_it_refuses_another_body_with_the_same_key(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    first = predict_with_key(gateway)
    assert_problem(predict_with_key(gateway, RAW + b" "), 422, "key-reused")
    assert predict_with_key(gateway).content == first.content
    assert (len(model.requests), len(journaled())) == (1, 1)


@pytest.mark.parametrize(("first", "other"), [("model=A", "model=B"), ("", "model=B"), ("model=A", "")])
def test_it_refuses_another_query_with_the_same_key(
    gateway: Client, model: ScriptedModel, journaled: Journaled, first: str, other: str
) -> None:
    answer = predict_with_key(gateway, QUERY_STRING=first)
    assert_problem(predict_with_key(gateway, QUERY_STRING=other), 422, "key-reused")
    assert seen(predict_with_key(gateway, QUERY_STRING=first)) == seen(answer)
    assert (len(model.requests), len(journaled())) == (1, 1)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\xe9", "a\tb", "a\x7f"])
def test_it_refuses_an_invalid_key(gateway: Client, model: ScriptedModel, key: str) -> None:
    found = assert_problem(predict_with_key(gateway, key=key), 400, "bad-input")
    assert found["errors"][0]["pointer"] == "Idempotency-Key"
    assert (model.requests, IdempotencyKey.objects.count()) == ([], 0)


def test_it_claims_no_key_for_bad_input(gateway: Client, journaled: Journaled) -> None:
    assert_problem(predict_with_key(gateway, b"{}"), 400, "bad-input")
    assert predict_with_key(gateway).status_code == 200
    assert len(journaled()) == 1


@pytest.mark.django_db(transaction=True)
def test_it_answers_409_while_the_first_call_runs(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    go_on = threading.Event()

    def script(conversation: Conversation) -> None:
        go_on.wait(60)
        conversation.answer()

    model.script = script
    first: list[Any] = []

    def run() -> None:
        first.append(predict_with_key(Client()))
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: model.requests, what="the first call")
    meanwhile = predict_with_key(gateway)
    assert_problem(meanwhile, 409, "conflict")
    assert int(meanwhile["Retry-After"]) > 0
    assert_problem(predict_with_key(gateway, RAW + b" "), 422, "key-reused")
    go_on.set()
    thread.join(60)
    assert predict_with_key(gateway).content == first[0].content == PREDICTION
    assert (len(model.requests), len(journaled())) == (1, 1)


def test_it_keeps_a_refusal_of_the_model(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    model.script = lambda conversation: conversation.answer(b'{"errors": []}', status="422 Features")
    first, again = predict_with_key(gateway), predict_with_key(gateway)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (422, b'{"errors": []}')
    assert "X-Inference-ID" not in again
    assert (len(model.requests), journaled()) == (1, [])


@pytest.mark.parametrize(("age", "calls"), [(DAY - timedelta(minutes=1), 1), (DAY + timedelta(minutes=1), 2)])
def test_a_key_expires_after_a_day(gateway: Client, model: ScriptedModel, age: timedelta, calls: int) -> None:
    first = predict_with_key(gateway)
    IdempotencyKey.objects.update(claimed_at=datetime.now(UTC) - age)
    again = predict_with_key(gateway)
    assert len(model.requests) == calls
    assert (again["X-Inference-ID"] == first["X-Inference-ID"]) is (calls == 1)


def test_it_deletes_expired_keys(gateway: Client) -> None:
    for key in ("old", "new"):
        predict_with_key(gateway, key=key)
    IdempotencyKey.objects.filter(key="old").update(claimed_at=ago(hours=25))
    assert idempotency.delete_old_keys() == 1
    assert [kept.key for kept in IdempotencyKey.objects.all()] == ["new"]


def test_it_shares_nothing_between_callers(gateway: Client, model: ScriptedModel, settings: Settings) -> None:
    settings.API_AUTH = "required"
    answers = []
    for name in ("kim", "lee", "kim"):
        user, _ = User.objects.get_or_create(username=name)
        user.user_permissions.set(Permission.objects.filter(codename__in=["add_inferencelog", "access_all_doctors"]))
        gateway.force_login(user)
        answers.append(predict_with_key(gateway)["X-Inference-ID"])
    assert answers[0] == answers[2] != answers[1]
    assert len(model.requests) == 2


def test_erasing_takes_an_answer_that_is_kept_for_a_repeat(gateway: Client, journaled: Journaled) -> None:
    """The journal did not take its record, so there is no row yet, and a repeat would record it."""
    predict_with_key(gateway)
    IdempotencyKey.objects.update(recorded=False)
    [record] = journaled()
    erase_unrecorded(INFERENCES, patient="Somebody Else")
    assert IdempotencyKey.objects.exists()
    erase_unrecorded(INFERENCES, patient=record.patient_name)
    assert not IdempotencyKey.objects.exists()
