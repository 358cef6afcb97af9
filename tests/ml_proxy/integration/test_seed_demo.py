"""`manage.py seed_demo` with the real model server, and with one that misbehaves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django import Settings

from common import person_names
from ml_proxy import demo
from ml_proxy.demo.seeding import BATCH
from ml_proxy.models import InferenceLog
from recording.models import Origin
from recording.publisher import journal_folder
from recording.publisher.heads import Heads
from tests.support.model import Conversation, ScriptedModel
from tests.support.network import free_port
from tests.support.system import System
from tests.support.wait import until

SEOUL = timezone(timedelta(hours=9))
EXAMPLE = {"model": "stub", "features": {"age": 40}}
SCHEMA = {"properties": {"features": {"properties": {"age": {"type": "integer", "minimum": 0, "maximum": 120}}}}}

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the reference model server, which runs in a separate process."""
    system = System(tmp_path_factory.mktemp("models"))
    url = f"http://127.0.0.1:{system.environment['ML_SERVER_PORT']}"
    system.start("ml_server")
    until(lambda: requests.get(f"{url}/api/v1/model-info", timeout=5).ok, what="ml_server")
    yield url
    system.stop()


@pytest.fixture
def seeded(model_server: str, settings: Settings) -> list[InferenceLog]:
    """Forty rows from the last ten days, oldest first."""
    settings.ML_SERVER_URL = model_server
    seed_demo(rows=40, days=10, seed=7)
    return rows()


def seed_demo(**options: Any) -> str:
    """Returns the command's output."""
    out = StringIO()
    call_command("seed_demo", stdout=out, **options)
    return out.getvalue()


def rows() -> list[InferenceLog]:
    return list(InferenceLog.objects.order_by("predicted_at", "id"))


def test_it_adds_rows_and_prints_the_total(
    model_server: str, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.ML_SERVER_URL = model_server
    assert "; the log now has 5 rows." in seed_demo(rows=5)
    said = seed_demo(rows=3, seed=11)
    assert said.startswith("3 synthetic rows added (seed 11, 3 distinct answers of breast-cancer-wisconsin 1)")
    assert said.endswith("; the log now has 8 rows.\n")
    assert InferenceLog.objects.count() == 8
    assert capfd.readouterr().err == ""  # the progress bar is only for terminals


def test_it_invents_people_in_canonical_form_and_of_many_scripts(seeded: list[InferenceLog]) -> None:
    people = {name for row in seeded for name in (row.doctor_name, row.patient_name)}
    assert all(person_names.canonical(name) == name for name in people)
    assert any("가" <= name[0] <= "힣" for name in people)
    assert any(not "가" <= name[0] <= "힣" for name in people)
    bodies = [json.loads(row.input_data) for row in seeded]
    assert [(body["doctor_name"], body["patient_name"]) for body in bodies] == [
        (row.doctor_name, row.patient_name) for row in seeded
    ]


def test_it_marks_each_row_by_its_caller(seeded: list[InferenceLog]) -> None:
    assert {row.caller for row in seeded} == {demo.CALLER}


def test_it_stores_the_model_s_answer_to_each_input(seeded: list[InferenceLog], model_server: str) -> None:
    for row in seeded[:10]:
        answer = requests.post(f"{model_server}/api/v1/predict", data=row.input_data.encode(), timeout=60)
        assert answer.text == row.output_data
        assert answer.json()["model"] == {"name": row.model_name, "version": row.model_version}


def test_it_varies_the_inputs(seeded: list[InferenceLog]) -> None:
    assert len({json.dumps(json.loads(row.input_data)["features"]) for row in seeded}) > 15
    assert len({row.output_data for row in seeded}) > 10


def test_it_spreads_the_rows_over_a_clinics_hours(seeded: list[InferenceLog]) -> None:
    moments = [row.predicted_at for row in seeded]
    now = datetime.now(UTC)
    assert now - timedelta(days=10, minutes=1) < moments[0] < now - timedelta(days=5) < moments[-1] <= now
    clocks = [moment.astimezone(SEOUL) for moment in moments]
    assert {clock.hour for clock in clocks} <= set(range(8, 19))
    assert 6 not in {clock.weekday() for clock in clocks}


def test_its_ids_contain_the_row_s_time(seeded: list[InferenceLog]) -> None:
    for row in seeded:
        assert row.id.version == 7
        assert row.id.int >> 80 == (row.predicted_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_the_same_seed_produces_the_same_rows(seeded: list[InferenceLog]) -> None:
    def told(found: list[InferenceLog]) -> list[tuple[str, str]]:
        return [(row.input_data, row.output_data) for row in found]

    InferenceLog.objects.all().delete()
    seed_demo(rows=40, days=10, seed=7)
    assert told(rows()) == told(seeded)
    InferenceLog.objects.all().delete()
    seed_demo(rows=40, days=10, seed=8)
    assert told(rows()) != told(seeded)


def test_it_commits_batch_by_batch() -> None:
    exchange = demo.Exchange(input="{}", output="{}", latency_ms=1, model_name="", model_version="")
    written = demo.write(demo.Plan(rows=BATCH + 1, days=1, seed=1), [exchange])
    assert next(written) == BATCH
    assert InferenceLog.objects.count() == BATCH
    assert list(written) == [1]
    assert set(json.loads(rows()[0].input_data)) == {"doctor_name", "patient_name"}


def test_verify_log_names_its_rows_if_they_are_deleted_with_their_origin(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path
    exchange = demo.Exchange(input="{}", output="{}", latency_ms=1, model_name="", model_version="")
    assert list(demo.write(demo.Plan(rows=3, days=1, seed=1), [exchange])) == [3]
    [origin] = Origin.objects.values_list("id", flat=True)
    journal_folder().mkdir(parents=True, exist_ok=True)
    heads = Heads(journal_folder())
    heads.update()
    heads.save()
    call_command("verify_log", stdout=StringIO())
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_log", stdout=out)
    assert f"missing: number 1-3 of origin {origin}" in out.getvalue()


def answering(info: object, predict: Any = Conversation.answer) -> Any:
    """A script with this model-info; predictions are answered by `predict`."""

    def script(conversation: Conversation) -> None:
        if "model-info" in conversation.line:
            conversation.answer(json.dumps(info).encode())
        else:
            predict(conversation)

    return script


def refuse(conversation: Conversation) -> None:
    conversation.answer(b'{"error": "no"}', status="422 Unprocessable Content")


def only_the_example(conversation: Conversation) -> None:
    (Conversation.answer if json.loads(conversation.body) == EXAMPLE else refuse)(conversation)


INFO = {"models": [{"example": EXAMPLE, "input_schema": SCHEMA}]}


def test_it_leaves_out_variations_that_the_model_refuses(model: ScriptedModel, settings: Settings) -> None:
    settings.ML_SERVER_URL = model.url
    model.script = answering(INFO, only_the_example)
    assert "1 distinct answers of stub 7" in seed_demo(rows=20)
    assert {json.dumps(json.loads(row.input_data)["features"]) for row in rows()} == {'{"age": 40}'}
    assert len(model.requests) > 5


@pytest.mark.parametrize("days", [0, demo.MAX_DAYS + 1])
def test_it_refuses_an_invalid_number_of_days(days: int) -> None:
    with pytest.raises(CommandError, match="--days must be from 1 to"):
        seed_demo(rows=1, days=days)


@pytest.mark.parametrize("count", [0, -3])
def test_it_refuses_to_add_no_rows(count: int) -> None:
    with pytest.raises(CommandError, match="--rows must be 1 or more"):
        seed_demo(rows=count)


def test_it_says_what_to_do_if_no_model_server_runs(settings: Settings) -> None:
    settings.ML_SERVER_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match=r"make up.*ML_SERVER_URL") as caught:
        seed_demo(rows=1)
    assert "\n" not in str(caught.value)
    assert not InferenceLog.objects.exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (answering(INFO, refuse), "refuses its own example"),
        (answering({"models": []}), r"has no models\[0\]\.example"),
        (answering({"models": [{"example": "?"}]}), r"has no models\[0\]\.example"),
        (answering([]), r"has no models\[0\]\.example"),
        (refuse, r"has no models\[0\]\.example"),
        (answering(INFO, lambda it: it.answer(b"<html>")), "not JSON"),
        (lambda it: it.answer(b"<html>"), "not JSON"),
    ],
)
def test_it_reports_what_is_wrong_with_a_model_server(
    model: ScriptedModel, settings: Settings, script: Any, told: str
) -> None:
    settings.ML_SERVER_URL = model.url
    model.script = script
    with pytest.raises(CommandError, match=told):
        seed_demo(rows=2)
    assert not InferenceLog.objects.exists()
