"""503 if no record can be written: before the model call if this is known, otherwise instead of its answer."""

import json
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from tests.support.databases import table_missing, with_database_down
from tests.support.gateway import BODY, Journaled, assert_problem, predict
from tests.support.model import PREDICTION, Conversation, ScriptedModel

TABLE = InferenceLog._meta.db_table


def break_journal(folder: Path) -> None:
    """Puts a file in place of the journal's folder, which blocks root too."""
    if folder.exists():
        folder.rename(folder.with_name("journal-away"))
    folder.write_text("in the way")


@pytest.mark.django_db
def test_it_answers_503_before_the_model_is_called_if_the_journal_is_full(
    gateway: Client, model: ScriptedModel, settings: Settings, journaled: Journaled
) -> None:
    settings.JOURNAL_MAX_BYTES = 64 * 1024
    response = predict(gateway)
    assert_problem(response, 503, "no-room")
    assert int(response["Retry-After"]) > 0
    assert (model.requests, journaled(), InferenceLog.objects.count()) == ([], [], 0)


@pytest.mark.django_db
def test_it_answers_until_the_journal_is_full_and_keeps_every_answers_record(
    gateway: Client, model: ScriptedModel, settings: Settings, journaled: Journaled
) -> None:
    settings.JOURNAL_MAX_BYTES = 400_000
    body = BODY | {"scan": "0" * 20_000}
    statuses = [predict(gateway, body).status_code for _ in range(30)]
    answered = statuses.count(200)
    assert statuses == [200] * answered + [503] * (30 - answered)
    assert 10 < answered < 20
    assert len(model.requests) == len(journaled()) == answered
    assert gateway.get("/ml/v1/status/").status_code == 200


@pytest.mark.django_db
def test_it_writes_the_row_itself_if_the_journal_is_unwritable(
    gateway: Client, journaled: Journaled, tmp_path: Path
) -> None:
    break_journal(tmp_path / "journal")
    response = predict(gateway)
    assert (response.status_code, response.content) == (200, PREDICTION)
    [row] = InferenceLog.objects.all()
    assert str(row.id) == response["X-Inference-ID"]
    assert (row.doctor_name, row.output_data.encode()) == ("Dr. Kim", PREDICTION)
    assert json.loads(row.input_data) == BODY


@pytest.mark.django_db
def test_it_writes_the_row_itself_if_the_journal_fails_during_the_call(
    gateway: Client, model: ScriptedModel, tmp_path: Path
) -> None:
    def script(conversation: Conversation) -> None:
        break_journal(tmp_path / "journal")
        conversation.answer()

    model.script = script
    response = predict(gateway)
    assert response.content == PREDICTION
    assert [str(row.id) for row in InferenceLog.objects.all()] == [response["X-Inference-ID"]]


@pytest.mark.django_db(transaction=True)
def test_it_withholds_the_answer_if_journal_and_database_fail(
    gateway: Client, model: ScriptedModel, tmp_path: Path
) -> None:
    break_journal(tmp_path / "journal")
    response = with_database_down(lambda: predict(gateway))
    assert_problem(response, 503, "not-recorded")
    assert int(response["Retry-After"]) > 0
    assert b"benign" not in response.content
    assert (len(model.requests), InferenceLog.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_it_withholds_the_answer_if_the_table_is_missing(gateway: Client, tmp_path: Path) -> None:
    break_journal(tmp_path / "journal")
    with table_missing(TABLE):
        assert_problem(predict(gateway), 503, "not-recorded")
    assert InferenceLog.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_it_passes_on_model_errors_even_if_nothing_could_be_recorded(
    gateway: Client, model: ScriptedModel, tmp_path: Path
) -> None:
    break_journal(tmp_path / "journal")
    model.script = lambda conversation: conversation.answer(b"{}", status="422 Features")
    assert with_database_down(lambda: predict(gateway)).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_it_needs_no_database_to_answer(gateway: Client, journaled: Journaled) -> None:
    responses = with_database_down(lambda: [predict(gateway), gateway.get("/ml/v1/status/")])
    assert [response.status_code for response in responses] == [200, 200]
    assert len(journaled()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["history/", "retrain/jobs/"])
def test_it_answers_503_to_what_needs_the_database(gateway: Client, path: str) -> None:
    response = with_database_down(lambda: gateway.get(f"/ml/v1/{path}"))
    assert_problem(response, 503, "database-unavailable")
    assert int(response["Retry-After"]) > 0
