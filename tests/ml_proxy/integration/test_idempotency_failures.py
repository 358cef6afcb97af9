"""`Idempotency-Key` if the model, the journal, the database or a process fails: always exactly one record."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client, override_settings
from pytest_django import Settings

from common.idempotency_keys import request_digest
from common.ids import uuid7
from ml_proxy.models import IdempotencyKey, InferenceLog
from tests.support.databases import table_missing, with_database_down
from tests.support.gateway import BODY, Journaled, assert_problem, sends, sends_and_stays_open
from tests.support.idempotency import RAW, TABLE, ago, predict_with_key
from tests.support.model import PREDICTION, Conversation, ScriptedModel

pytestmark = pytest.mark.django_db


def claim(claimed_at: datetime) -> IdempotencyKey:
    """Creates the claim that a process leaves if it is killed while it waits for the model."""
    digest = request_digest("POST", "/ml/v1/predict/", "", RAW)
    return IdempotencyKey.objects.create(
        key="visit-7", request_digest=digest, inference_id=uuid7(), claimed_at=claimed_at
    )


@pytest.mark.parametrize("answer", ["500 Oh", "503 Later", "599 Odd", "429 Slow", "302 Away", None])
def test_it_releases_the_key_if_a_retry_may_succeed(
    gateway: Client, model: ScriptedModel, journaled: Journaled, answer: str | None
) -> None:
    model.script = sends() if answer is None else lambda conversation: conversation.answer(b"{}", status=answer)
    assert predict_with_key(gateway).status_code == (502 if answer in {None, "302 Away"} else int(str(answer)[:3]))
    assert IdempotencyKey.objects.count() == 0
    model.script = Conversation.answer
    assert predict_with_key(gateway, RAW + b" ").status_code == 200
    assert (len(model.requests), len(journaled())) == (2, 1)


@pytest.mark.usefixtures("transport")
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("fields", [b"", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"])
@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
def test_it_releases_the_key_if_the_model_changes_the_protocol(
    gateway: Client, model: ScriptedModel, before: bytes, fields: bytes, after: bytes
) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n"
    model.script = sends_and_stays_open(before, switching, after)
    assert_problem(predict_with_key(gateway), 502, "upstream-broken")
    model.script = Conversation.answer
    assert predict_with_key(gateway).content == PREDICTION


def test_it_releases_the_key_after_an_unexpected_error(gateway: Client, model: ScriptedModel) -> None:
    with override_settings(MAX_ANSWER_BYTES=None):  # no code expects it
        assert_problem(predict_with_key(gateway), 500, "internal")
    assert predict_with_key(gateway).content == PREDICTION


def test_it_releases_the_key_if_the_journal_is_full(gateway: Client, settings: Settings) -> None:
    settings.JOURNAL_MAX_BYTES = 64 * 1024
    assert_problem(predict_with_key(gateway), 503, "no-room")
    assert IdempotencyKey.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_repeat_records_an_answer_that_a_dead_process_did_not_record(
    gateway: Client, model: ScriptedModel, journaled: Journaled, tmp_path: Path
) -> None:
    """The first call stores its answer; then both the journal and the table refuse the record."""
    in_the_way = tmp_path / "journal"
    in_the_way.write_text("")
    with table_missing(InferenceLog._meta.db_table):
        assert_problem(predict_with_key(gateway), 503, "not-recorded")
    in_the_way.unlink()
    responses = [predict_with_key(gateway) for _ in range(3)]
    [record] = journaled()
    assert {(response.content, response["X-Inference-ID"]) for response in responses} == {(PREDICTION, str(record.id))}
    assert (len(model.requests), json.loads(record.input_data)) == (1, BODY)


def test_it_takes_over_the_claim_of_a_dead_process(
    gateway: Client, model: ScriptedModel, settings: Settings, journaled: Journaled
) -> None:
    settings.UPSTREAM_TOTAL_SECONDS = 5
    left = claim(ago(seconds=5 + 31))
    response = predict_with_key(gateway)
    assert (response.content, response["X-Inference-ID"]) == (PREDICTION, str(left.inference_id))
    assert predict_with_key(gateway)["X-Inference-ID"] == str(left.inference_id)
    assert (len(model.requests), len(journaled())) == (1, 1)


def test_it_does_not_take_over_the_claim_of_a_live_process(
    gateway: Client, model: ScriptedModel, settings: Settings
) -> None:
    settings.UPSTREAM_TOTAL_SECONDS = 5
    claim(ago(seconds=5 + 20))
    assert_problem(predict_with_key(gateway), 409, "conflict")
    assert model.requests == []


@pytest.mark.django_db(transaction=True)
def test_it_withholds_the_answer_of_a_call_whose_claim_was_taken_over(
    gateway: Client, model: ScriptedModel, journaled: Journaled
) -> None:
    def script(conversation: Conversation) -> None:
        IdempotencyKey.objects.update(
            claimed_at=datetime.now(UTC) + timedelta(seconds=1)
        )  # as a repeat that takes over does
        connections.close_all()
        conversation.answer()

    model.script = script
    assert_problem(predict_with_key(gateway), 409, "conflict")
    assert (journaled(), IdempotencyKey.objects.count()) == ([], 1)


@pytest.mark.django_db(transaction=True)
def test_it_needs_the_database_before_the_model(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    response = with_database_down(lambda: predict_with_key(gateway))
    assert_problem(response, 503, "database-unavailable")
    assert int(response["Retry-After"]) > 0
    assert (model.requests, journaled()) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_it_withholds_the_answer_if_the_database_fails_during_the_call(
    gateway: Client, model: ScriptedModel, journaled: Journaled
) -> None:
    with table_missing(TABLE):
        assert_problem(predict_with_key(gateway), 503, "database-unavailable")
    assert (model.requests, journaled()) == ([], [])
    back, done = threading.Event(), threading.Event()

    def script(conversation: Conversation) -> None:
        with table_missing(TABLE):
            conversation.answer()
            back.wait(60)
        connections.close_all()
        done.set()

    model.script = script
    response = predict_with_key(gateway)
    back.set()
    assert done.wait(60)
    assert_problem(response, 503, "database-unavailable")
    assert journaled() == []
