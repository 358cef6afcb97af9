"""The follower sends each inference to MLflow once, also while MLflow fails, and never blocks the log."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections, transaction
from pytest_django import Settings

from accounts.callers import ANYONE
from attachments.descriptors import Part, describe
from common.ids import uuid7
from integrations.mlflow import follower, outbox
from integrations.mlflow.models import MlflowCursor, MlflowOutbox
from jobs.models import Job
from jobs.transitions import Outcome, end
from ml_proxy import feedback
from ml_proxy.feedback_requests import FeedbackRequest
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording.batches import Batch
from recording.direct_writes import DirectOrigins
from recording.erasure import erase
from recording.ingestion import write_batch
from recording.journal import Spool, Writer
from recording.seals import keyring
from tests.support.gateway import resets, sends, sends_and_stays_open
from tests.support.mlflow import MLflow, logged_ids, run_values
from tests.support.model import PREDICTION, Conversation, Script, ScriptedModel
from tests.support.network import free_port
from tests.support.query_plans import query_costs
from tests.support.record_pipeline import append, record

pytestmark = pytest.mark.django_db

INPUT = '{"doctor_name": "Dr. Synthetic", "x": 1e999, "patient\\u005fname": "김민준", "y": {"z": [0.10]}}'
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALLS = 8  # of the first batch: two for the experiment, search, experiment, create, table, points, end


@pytest.fixture
def mlflow(model: ScriptedModel, settings: Settings) -> MLflow:
    return MLflow(model, settings)


def written(count: int = 1, **changes: Any) -> list[InferenceRecord]:
    """Records that a worker wrote as one batch."""
    given: dict[str, Any] = {"input_data": INPUT, "output_data": PREDICTION.decode(), "predicted_at": DAY}
    records = [record(**given | changes) for _ in range(count)]
    DirectOrigins(keyring().current).write(records)
    return records


def ids(*batches: list[InferenceRecord]) -> list[str]:
    return sorted(str(item.id) for batch in batches for item in batch)


def try_now() -> int:
    """Calls `follow` after the end of the pause."""
    MlflowCursor.objects.update(due_at=None)
    return follower.follow()


def answers(status: str, body: bytes = b"{}") -> Script:
    return lambda conversation: conversation.answer(body, status=status)


def test_it_logs_inferences_to_the_run_of_their_model_and_day(mlflow: MLflow) -> None:
    first, second = written(2, latency_ms=1.0), written(1, latency_ms=4.0)
    other, next_day = written(model_version="2"), written(predicted_at=DAY + timedelta(days=1))
    assert follower.follow() == 1
    assert [run["info"]["run_name"] for run in mlflow.runs] == [
        "inferences 2026-03-01 m 1",
        "inferences 2026-03-01 m 2",
        "inferences 2026-03-02 m 1",
    ]
    assert logged_ids(mlflow) == ids(first, second, other, next_day)
    run = mlflow.runs[0]
    assert run_values(run, "params") == {"model_name": "m", "model_version": "1", "day": "2026-03-01"}
    assert run_values(run, "metrics") == {
        "inferences": 3,
        "latency_ms_mean": 2.0,
        "latency_ms_max": 4.0,
        "confidence_mean": 0.93,
        "confidence_min": 0.93,
    }
    assert (run["info"]["status"], run["info"]["end_time"]) == ("FINISHED", int(DAY.timestamp() * 1000))
    assert follower.follow() == 0
    assert not MlflowOutbox.objects.exists()


@pytest.mark.usefixtures("files_folder")
def test_it_logs_inputs_from_the_storage(mlflow: MLflow) -> None:
    item = record(input_data='{"doctor_name": "Dr. Synthetic", "patient_name": "김민준"}', predicted_at=DAY)
    part = Part("", "body.json", "application/json", INPUT.encode())
    DirectOrigins(keyring().current).write([replace(item, files=describe(item.id, [part]))], [part.data])
    follower.follow()
    [row] = mlflow.tables()
    assert '"z": [0.10]' in row["input"]
    assert "김민준" not in row["input"]


def test_it_logs_all_of_an_inference_except_the_names(mlflow: MLflow) -> None:
    [item] = written()
    follower.follow()
    [row] = mlflow.tables()
    assert row == {
        "inference_id": str(item.id),
        "predicted_at": "2026-03-01T12:00:00Z",
        "latency_ms": 1.5,
        "prediction": "benign",
        "confidence": 0.93,
        "confidences": {"benign": 0.93},
        "input": '{ "x": 1e999, "y": {"z": [0.10]}}',
        "output": PREDICTION.decode(),
    }


def test_a_verdict_is_not_taken_for_an_inference(mlflow: MLflow) -> None:
    [item] = written()
    feedback.submit(item.id, FeedbackRequest(verdict=Feedback.Verdict.AGREE), ANYONE)
    follower.follow()
    assert logged_ids(mlflow) == ids([item])
    assert not MlflowOutbox.objects.exists()


def test_it_sends_no_name(mlflow: MLflow, model: ScriptedModel) -> None:
    [item] = written(output_data='{"patient_name": "김민준", "predictions": []}', caller="dr-synthetic")
    outbox.add_request(INFERENCES, item.id)
    assert follower.follow() == 2
    sent = b"".join(conversation.head + conversation.body for conversation in model.requests)
    for name in ("김민준", "Dr. Synthetic", "dr-synthetic", "\\uae40"):
        assert name.encode() not in sent
    assert b"1e999" in sent


def test_it_writes_and_sends_nothing_while_it_is_off(mlflow: MLflow, model: ScriptedModel, settings: Settings) -> None:
    settings.MLFLOW_TRACKING_URI = ""
    written()
    end(Job.objects.create(kind="retrain", state=Job.State.RUNNING).id, Outcome(Job.State.FAILED, error="x"))
    assert (follower.follow(), MlflowOutbox.objects.count(), model.requests) == (0, 0, [])


def test_it_writes_the_outbox_in_the_transaction_of_the_rows(mlflow: MLflow) -> None:
    def undo() -> None:
        raise LookupError

    with suppress(LookupError), transaction.atomic():
        written()
        assert MlflowOutbox.objects.count() == 1
        undo()
    assert (InferenceLog.objects.count(), MlflowOutbox.objects.count()) == (0, 0)


def test_redelivered_rows_are_sent_once(mlflow: MLflow, writer: Writer, tmp_path: Path) -> None:
    items = [record() for _ in range(3)]
    for item in items:
        append(writer, item)
    writer.close()
    [name] = Spool(tmp_path).segments()
    entries = list(Spool(tmp_path).entries(name))
    for part in (
        entries[:2],
        entries,
        entries,
    ):  # batches that were formed differently after a restart, and redelivered
        write_batch(Batch.of(UUID(name.origin), "host", name.key_id, part))
        follower.follow()
    assert logged_ids(mlflow) == ids(items)


def test_it_sends_a_row_that_is_written_after_newer_ones_were_sent(mlflow: MLflow) -> None:
    late = record(predicted_at=DAY - timedelta(hours=1))  # its id is older too
    newer = written()
    follower.follow()
    DirectOrigins(keyring().current).write([late])
    follower.follow()
    assert logged_ids(mlflow) == ids(newer, [late])


@pytest.mark.django_db(transaction=True)
def test_it_sends_a_row_that_is_committed_after_newer_ones_were_sent(mlflow: MLflow) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no concurrent write transactions")
    has_written, may_commit = threading.Event(), threading.Event()
    late: list[InferenceRecord] = []

    def write_slowly() -> None:
        with transaction.atomic():
            late.extend(written())
            has_written.set()
            may_commit.wait(60)
        connections.close_all()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    try:
        assert has_written.wait(60)
        newer = written()
        follower.follow()
        assert logged_ids(mlflow) == ids(newer)
    finally:
        may_commit.set()
        thread.join()
    follower.follow()
    assert logged_ids(mlflow) == ids(newer, late)


def test_it_sends_many_small_entries_as_one_batch(mlflow: MLflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_BATCH_ROWS", 12)
    messages = [written() for _ in range(30)]
    assert follower.follow() == 3
    assert [len(mlflow.runs), len(mlflow.files)] == [1, 3]
    assert logged_ids(mlflow) == ids(*messages)
    steps = [point["step"] for point in mlflow.runs[0]["data"]["metrics"] if point["key"] == "inferences"]
    assert steps == sorted(set(steps))


def test_it_finds_the_next_batch_with_few_rows_read(mlflow: MLflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_BATCH_ROWS", 20)
    aside = [MlflowOutbox(kind=2, subjects="", is_aside=True, batch=uuid7()) for _ in range(3000)]
    MlflowOutbox.objects.bulk_create([*aside, *(MlflowOutbox(kind=2, subjects="") for _ in range(3000))])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    costs = query_costs(outbox.next_batch, MlflowOutbox._meta.db_table)
    assert len(costs) == 3
    assert max(cost.rows for cost in costs) <= 100, costs


def test_it_limits_the_bytes_of_a_batch(mlflow: MLflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_BYTES", 1000)
    large = [written(input_data='"' + "x" * 600 + '"') for _ in range(3)]
    assert follower.follow() == 3
    assert logged_ids(mlflow) == ids(*large)


@pytest.mark.parametrize(
    "script",
    [
        resets,
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
        sends_and_stays_open(b"HTTP/1.1 200 OK\r\n"),
        answers("500 Oops", b'{"error_code": "INTERNAL_ERROR"}'),
        answers("401 Unauthorized", b'{"error_code": "UNAUTHENTICATED"}'),
        answers("404 Not Found", b"<html>"),
        answers("302 Found"),
        answers("200 OK", b"[]"),
        answers("200 OK", b'{"runs": [{}], "run": {}, "experiment": {}}'),
        answers("400 Bad Request", b'{"error_code": "INVALID_STATE"}'),  # the experiment was deleted
    ],
)
def test_it_loses_nothing_while_mlflow_fails(mlflow: MLflow, settings: Settings, script: Script) -> None:
    settings.MLFLOW_TOTAL_SECONDS = 0.2
    first = written()
    mlflow.breaks(script)
    assert follower.follow() == 0
    second = written()  # the log goes on
    calls_before = len(mlflow.calls)
    assert (follower.follow(), len(mlflow.calls)) == (0, calls_before)  # not yet
    assert InferenceLog.objects.count() == 2
    mlflow.breaks(None)
    settings.MLFLOW_TOTAL_SECONDS = 5
    assert try_now() == 2
    assert logged_ids(mlflow) == ids(first, second)


def test_it_backs_off_exponentially_and_logs_why(
    mlflow: MLflow, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    written()
    waits = []
    for _ in range(8):
        assert try_now() == 0
        cursor = MlflowCursor.objects.get()
        assert cursor.due_at
        waits.append(round((cursor.due_at - datetime.now(UTC)).total_seconds()))
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert cursor.error == "MLflow can't be reached (ConnectionError)."
    assert "sending to MLflow pauses for 300 s: MLflow can't be reached (ConnectionError)." in caplog.text


def test_it_resets_the_backoff_once_mlflow_is_back(mlflow: MLflow) -> None:
    written()
    mlflow.breaks(resets)
    follower.follow()
    mlflow.breaks(None)
    assert try_now() == 1
    cursor = MlflowCursor.objects.get()
    assert (cursor.failures, cursor.error, cursor.due_at, cursor.leased_until) == (0, "", None, None)


@pytest.mark.parametrize("number", range(CALLS))
def test_a_lost_answer_makes_no_duplicates(mlflow: MLflow, number: int) -> None:
    first = written(3)
    mlflow.loses_answer(number)
    assert follower.follow() == 0
    second = written()  # must not join the existing batch
    assert try_now() == 2
    assert (len(mlflow.runs), len(mlflow.files)) == (1, 2)
    assert logged_ids(mlflow) == ids(first, second)
    counted = [point["value"] for point in mlflow.runs[0]["data"]["metrics"] if point["key"] == "inferences"]
    assert counted == [3, 1]


def test_it_sets_a_refused_batch_aside_and_continues(
    mlflow: MLflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "MAX_BATCH_ROWS", 1)
    bad, good = written(), written()

    def refuses_the_first(path: str) -> Script | None:
        tables = [call for call in mlflow.calls if "/inferences/" in call]
        return answers("413 Too Large", b"<html>") if tables and path == tables[0] else None

    mlflow.instead = refuses_the_first
    assert follower.follow() == 1
    assert logged_ids(mlflow) == ids(good)
    [entry] = MlflowOutbox.objects.all()
    assert (entry.is_aside, entry.refusals, entry.error) == (True, 3, "MLflow refuses it (TOO_LARGE).")
    assert "is set aside: MLflow refuses it (TOO_LARGE)." in caplog.text
    mlflow.breaks(None)
    assert follower.follow() == 0
    MlflowOutbox.objects.update(is_aside=False, refusals=0)  # as in the runbook
    assert follower.follow() == 1
    assert logged_ids(mlflow) == ids(bad, good)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "429 Too Many Requests"])
def test_it_sets_nothing_aside_for_a_refusal_of_every_request(mlflow: MLflow, status: str) -> None:
    refusal = answers(status, b'{"error_code": "PERMISSION_DENIED"}')
    mlflow.instead = lambda path: refusal if "log-batch" in path else None
    written()
    for _ in range(2 * outbox.MAX_REFUSALS):
        assert try_now() == 0
    assert MlflowOutbox.objects.get().refusals == 0


def test_it_creates_a_deleted_run_again(mlflow: MLflow) -> None:
    written()
    follower.follow()
    mlflow.delete_runs()
    written()
    assert follower.follow() == 1
    assert [run["is_deleted"] for run in mlflow.runs] == [True, False]


def test_it_sends_no_erased_row(mlflow: MLflow) -> None:
    gone, stays = written(), written()
    assert sum(erase(INFERENCES, InferenceLog.objects.filter(pk=gone[0].id), "asked for")) == 1
    assert follower.follow() == 1
    assert logged_ids(mlflow) == ids(stays)


def test_it_respects_a_lease_until_it_expires(mlflow: MLflow) -> None:
    written()
    now = datetime.now(UTC)
    MlflowCursor.objects.create(pk=1, leased_until=now + timedelta(seconds=60))
    assert (follower.follow(), mlflow.calls) == (0, [])
    MlflowCursor.objects.update(leased_until=now - timedelta(seconds=1))
    assert follower.follow() == 1


def test_it_sends_its_credentials(mlflow: MLflow, model: ScriptedModel, settings: Settings) -> None:
    settings.MLFLOW_AUTHORIZATION = "Bearer synthetic"
    written()
    follower.follow()
    assert {conversation.fields["authorization"] for conversation in model.requests} == {"Bearer synthetic"}


def test_it_requires_an_mlflow_that_stores_files(mlflow: MLflow, caplog: pytest.LogCaptureFixture) -> None:
    def run_created(conversation: Conversation) -> None:
        info = {"run_id": "1", "status": "RUNNING", "artifact_uri": "/a/folder/of/the/server"}
        conversation.answer(b'{"run": {"info": %s}}' % str(info).replace("'", '"').encode())

    mlflow.instead = lambda path: run_created if path.endswith("runs/create") else None
    written()
    assert follower.follow() == 0
    assert "start it with --serve-artifacts" in caplog.text


RESULT = """{"model": {"name": "stub", "version": "8"}, "metrics": {"accuracy": 0.98, "odd/\\u0000": 1e999, "n": 5},
"params": {"C": 1.0, "penalty": "l2\\u0000\\ud800", "nested": []}}"""


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(Job.State.SUCCEEDED, result=RESULT), "FINISHED"),
        (Outcome(Job.State.FAILED, error="The model server answered 500: oops"), "FAILED"),
        (Outcome(Job.State.CANCELLED), "KILLED"),
    ],
)
def test_it_logs_how_a_retrain_ended(mlflow: MLflow, outcome: Outcome, status: str) -> None:
    began = datetime.now(UTC) - timedelta(seconds=30)
    job = Job.objects.create(
        kind="retrain",
        state=Job.State.RUNNING,
        started_at=began,
        params='{"params": {"C": 1.50}}',
        requested_by="dr-synthetic",
    )
    assert end(job.id, outcome)
    assert follower.follow() == 1
    [run] = mlflow.runs
    tags, params, metrics = (run_values(run, kind) for kind in ("tags", "params", "metrics"))
    assert (run["info"]["status"], run["info"]["run_name"]) == (status, f"retrain {job.id}")
    assert (tags["job_id"], tags["state"], tags["kind"]) == (str(job.id), outcome.state.value, "retrain")
    assert 29 < metrics.pop("duration_seconds") < 60
    assert "dr-synthetic" not in str(mlflow.runs)
    if outcome.result:
        assert (tags["model_name"], tags["model_version"]) == ("stub", "8")
        assert (params, metrics) == ({"C": "1.0", "penalty": "l2  "}, {"accuracy": 0.98, "n": 5.0})
        assert mlflow.files["7/run0/artifacts/result.json"].decode() == RESULT
    else:
        assert (params, metrics, tags.get("error", "")) == ({"C": "1.50"}, {}, outcome.error or "")
    assert follower.follow() == 0


def test_a_job_that_has_not_ended_is_not_sent(mlflow: MLflow) -> None:
    job = Job.objects.create(kind="retrain", state=Job.State.SUCCEEDED)
    assert not end(job.id, Outcome(Job.State.FAILED), state=Job.State.RUNNING)
    assert not MlflowOutbox.objects.exists()


def test_the_gauges_show_what_waits(mlflow: MLflow, scraped: Callable[[], dict[str, float]]) -> None:
    written(3)
    MlflowOutbox.objects.update(created_at=datetime.now(UTC) - timedelta(seconds=100))
    found = scraped()
    assert (found["waiting"], found["aside"]) == (3, 0)
    assert 100 <= found["oldest"] < 200
    MlflowOutbox.objects.update(is_aside=True)
    found = scraped()
    assert (found["waiting"], found["aside"], found["oldest"]) == (0, 3, 0)
    MlflowOutbox.objects.all().delete()
    assert set(scraped().values()) == {0}


@pytest.fixture
def scraped() -> Callable[[], dict[str, float]]:
    """Scrapes the outbox' gauges, by state."""
    from integrations.mlflow import gauges  # noqa: PLC0415 - models load once Django is set up

    def scrape() -> dict[str, float]:
        samples = [sample for family in gauges.of_outbox() for sample in family.samples]
        return {sample.labels.get("state", "oldest"): sample.value for sample in samples}

    return scrape


def test_it_logs_no_name(mlflow: MLflow, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    written()
    mlflow.breaks(answers("400 Bad Request", '{"error_code": "김민준"}'.encode()))
    follower.follow()
    assert "MLflow answered 400." in caplog.text
    assert "김민준" not in caplog.text
