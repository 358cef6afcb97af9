"""`/metrics`: values change exactly by what happened, and a failed part hides only its own metrics."""

import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import redis
from django.test import Client
from prometheus_client.openmetrics import parser as openmetrics
from pytest_django import Settings

import ml_proxy.health
from common.ids import uuid7
from common.metrics import instruments
from common.metrics import scrape as scraping
from jobs.models import Job, WebhookDelivery
from ml_proxy.models import InferenceLog
from recording.journal import Spool, Writer
from recording.models import Origin
from recording.publisher import journal_folder
from recording.publisher.heads import Heads
from recording.seals import keyring
from tests.support.databases import with_database_down
from tests.support.gateway import BODY, predict
from tests.support.metrics import Scrape
from tests.support.model import Conversation, ScriptedModel
from tests.support.network import free_port
from tests.support.record_pipeline import append, publisher, record, write_messages
from tests.support.wait import until

pytestmark = pytest.mark.django_db(transaction=True)  # another thread queries the database

Ask = Callable[[], Scrape]
CLIENT_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OUTCOMES = ("journaled", "direct", "withheld", "written", "quarantined", "repeated")
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping, "FRESH_SECONDS", 0)
    monkeypatch.setattr(scraping, "PART_SECONDS", 20)  # on a busy machine parts are slow, not down


@pytest.fixture
def scrape(gateway: Client, broker: redis.Redis) -> Ask:
    def ask() -> Scrape:
        response = gateway.get("/metrics")
        assert response.status_code == 200, response.content
        return Scrape.of(response.content.decode())

    return ask


@pytest.fixture
def journal(gateway: Client) -> Path:
    return journal_folder()


def began_late(journal: Path, *ages: timedelta) -> Writer:
    """Creates an origin whose records have waited this long."""
    writer = Writer(journal, new_origin=uuid7, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    for age in ages:
        append(writer, record(predicted_at=datetime.now(UTC) - age))
    return writer


def break_journal(folder: Path) -> None:
    """Replaces the journal's folder with a file, so that root cannot write either."""
    if folder.exists():
        folder.rename(folder.with_name("journal-away"))
    folder.write_text("in the way")


def test_it_counts_each_prediction_once_everywhere(gateway: Client, scrape: Ask) -> None:
    before = scrape()
    for _ in range(7):
        predict(gateway)
    assert scrape().since(before) == {
        "requests_total{POST,200,predict}": 7,
        "requests_total{GET,200,metrics}": 1,
        "records_total{journaled}": 7,
        "upstream_seconds_count{predict}": 7,
        "upstream_seconds_count{status}": 1,  # the probe of the scrape
        "added_seconds_count": 7,
    }


def test_labels_are_route_method_and_status_and_never_input_of_a_caller(
    gateway: Client, scrape: Ask, model: ScriptedModel
) -> None:
    before = scrape()
    predict(gateway, b"{}")
    gateway.get("/ml/v1/MARKER/")
    gateway.get("/ml/v1/history/?patient=MARKER")
    gateway.generic("MARKER", "/ml/v1/status/")
    model.script = lambda conversation: conversation.answer(b"{}", status="422 Features")
    predict(gateway, BODY | {"patient_name": "MARKER"})
    after = scrape()
    assert {name: value for name, value in after.since(before).items() if "requests" in name} == {
        "requests_total{POST,400,predict}": 1,
        "requests_total{GET,404,unknown}": 1,
        "requests_total{GET,200,history}": 1,
        "requests_total{other,405,status}": 1,
        "requests_total{POST,422,predict}": 1,
        "requests_total{GET,200,metrics}": 1,
    }
    assert "MARKER" not in str(after.samples)


def test_it_separates_the_model_servers_time_from_the_gateways(
    gateway: Client, scrape: Ask, model: ScriptedModel
) -> None:
    def slow(conversation: Conversation) -> None:
        model.gone.wait(1)
        conversation.answer()

    before = scrape()
    model.script = slow
    predict(gateway)
    model.script = Conversation.answer
    after = scrape()
    assert _spent(before, after, "upstream_seconds_sum", call="predict") >= 1
    assert 0 < _spent(before, after, "added_seconds_sum") < 1
    assert _spent(before, after, "upstream_seconds_bucket", call="predict", le="0.5") == 0
    assert _spent(before, after, "added_seconds_bucket", le="0.5") == 1


def _spent(before: Scrape, after: Scrape, name: str, **labels: str) -> float:
    return (after.value(name, **labels) or 0) - (before.value(name, **labels) or 0)


def test_it_times_failed_model_calls_but_no_exchange_without_a_model_call(
    gateway: Client, scrape: Ask, model: ScriptedModel
) -> None:
    before = scrape()
    predict(gateway, b"no json")
    model.script = lambda conversation: conversation.sock.close()
    assert predict(gateway).status_code == 502
    model.script = Conversation.answer
    counted = scrape().since(before)
    assert (counted["upstream_seconds_count{predict}"], counted["added_seconds_count"]) == (1, 1)
    assert counted["requests_total{POST,502,predict}"] == 1
    assert counted["records_total{journaled}"] == 2  # the access log's entries about the failed calls


def test_it_counts_records_written_directly(gateway: Client, scrape: Ask, tmp_path: Path) -> None:
    before = scrape()
    break_journal(tmp_path / "journal")
    assert predict(gateway).status_code == 200
    after = scrape()
    counted = after.since(before)
    assert {name: counted.get(f"records_total{{{name}}}", 0) for name in OUTCOMES if name != "repeated"} == {
        "journaled": 0,
        "direct": 1,
        "withheld": 0,
        "written": 1,
        "quarantined": 0,
    }
    assert after.value("journal_up") == 0
    assert after.value("journal_bytes") is None


def test_it_counts_withheld_answers(gateway: Client, scrape: Ask, tmp_path: Path) -> None:
    before = scrape()
    break_journal(tmp_path / "journal")
    assert with_database_down(lambda: predict(gateway)).status_code == 503
    counted = scrape().since(before)
    assert counted["records_total{withheld}"] == 1
    assert counted["requests_total{POST,503,predict}"] == 1
    assert "records_total{direct}" not in counted


def test_it_counts_a_record_once_if_its_message_repeats(journal: Path, broker: redis.Redis, scrape: Ask) -> None:
    before = scrape()
    writer = began_late(journal, timedelta())
    twice = record()
    append(writer, twice)
    append(writer, twice)
    writer.append(b"no json", b"")
    publisher(journal).step()
    messages = broker.lrange("logs", 0, -1)
    for _ in range(3):
        write_messages(broker)
        broker.lpush("logs", *messages)
    counted = scrape().since(before)
    assert {name: counted[f"records_total{{{name}}}"] for name in ("written", "repeated", "quarantined")} == {
        "written": 2,
        "repeated": 1,
        "quarantined": 1,
    }
    assert scrape().value("dispositions", kind="quarantined") == 1
    writer.close()


def test_it_counts_batches_and_repeated_batches(journal: Path, broker: redis.Redis, scrape: Ask) -> None:
    before = scrape()
    writer = began_late(journal, timedelta())
    publishing = publisher(journal, republish_seconds=0)
    publishing.step()
    broker.flushall()
    publishing.step()
    counted = scrape().since(before)
    assert (counted["batches_total{first}"], counted["batches_total{again}"]) == (1, 1)
    writer.close()


def test_it_reports_waiting_records_and_their_age(
    journal: Path, broker: redis.Redis, scrape: Ask, settings: Settings
) -> None:
    settings.JOURNAL_MAX_BYTES = 10**7
    writer = began_late(journal, timedelta(seconds=90), timedelta())
    found = scrape()
    assert 90 <= (found.value("oldest_waiting_seconds") or 0) < 100
    size = sum(path.stat().st_size for path in journal.iterdir())
    waiting = sum(Spool(journal).written_bytes(name) for name in Spool(journal).segments())
    assert 0 < waiting < size
    assert (found.value("waiting_bytes"), found.value("journal_bytes")) == (waiting, size)
    assert (found.value("journal_max_bytes"), found.value("log_late_seconds")) == (10**7, settings.LOG_LATE_SECONDS)
    assert (found.value("journal_damaged_segments"), found.value("journal_up")) == (0, 1)
    publishing = publisher(journal)
    publishing.step()
    assert scrape().value("queue_messages", queue="logs") == 1
    write_messages(broker)
    publishing.step()
    publishing.save_progress()
    found = scrape()
    assert (found.value("waiting_bytes"), found.value("oldest_waiting_seconds")) == (0, 0)
    writer.close()
    (journal / "x.damaged").touch()
    assert scrape().value("journal_damaged_segments") == 1


def account(**sets: int) -> dict[str, float]:
    names = ("answered", "written", "waiting", "quarantined", "erased", "repeated", "missing")
    return {name: float(sets.get(name, 0)) for name in names}


def test_the_reconciliation_balances_at_every_step(journal: Path, broker: redis.Redis, scrape: Ask) -> None:
    assert scrape().numbers() == account()
    writer = began_late(journal, *[timedelta()] * 3)
    writer.append(b"no json", b"")
    other = began_late(journal, *[timedelta()] * 2)
    assert scrape().numbers() == account(answered=6, waiting=6)
    publishing = publisher(journal)
    publishing.step()
    assert scrape().numbers() == account(answered=6, waiting=6)
    write_messages(broker)
    assert scrape().numbers() == account(answered=6, written=5, quarantined=1)
    append(other, record())
    publishing.step()
    publishing.save_progress()
    assert scrape().numbers() == account(answered=7, written=5, quarantined=1, waiting=1)
    write_messages(broker)
    writer.close()
    other.close()
    publishing.step()
    publishing.step()
    assert scrape().numbers() == account(answered=7, written=6, quarantined=1)


def test_the_reconciliation_reports_missing_records(journal: Path, broker: redis.Redis, scrape: Ask) -> None:
    scrape()
    writer = began_late(journal, *[timedelta()] * 5)
    publishing = publisher(journal)
    publishing.step()
    write_messages(broker)
    publishing.step()
    heads = Heads(journal)
    heads.update()
    heads.save()
    kept = InferenceLog.objects.order_by("sequence")[1]
    InferenceLog.objects.filter(pk=kept.pk).delete()
    assert scrape().numbers() == account(answered=5, written=4, missing=1)
    assert scrape().numbers() == account(answered=5, written=4, missing=1)
    kept.save(force_insert=True)
    assert scrape().numbers() == account(answered=5, written=5)
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()  # as after a restored backup; the journal is newer
    assert scrape().numbers()["missing"] == 5
    writer.close()


def test_it_counts_jobs_and_webhooks_by_state(scrape: Ask) -> None:
    now = datetime.now(UTC)
    Job.objects.create(kind="retrain", state=Job.State.FAILED)
    running = Job.objects.create(kind="retrain", state=Job.State.RUNNING, started_at=now - timedelta(hours=2))
    WebhookDelivery.objects.create(
        job=running, url="https://clinic.example/MARKER", state=WebhookDelivery.State.GIVEN_UP
    )
    ago = now - timedelta(minutes=3)
    requeued = Job.objects.create(kind="other", state=Job.State.QUEUED, queued_at=ago, resend_at=now)
    Job.objects.filter(pk=requeued.pk).update(created_at=now - timedelta(hours=5))  # its first worker died
    found = scrape()
    counted = {state.value: found.value("jobs", state=state.value) for state in Job.State}
    assert counted == {"queued": 1, "running": 1, "succeeded": 0, "failed": 1, "cancelled": 0}
    assert 7200 <= (found.value("oldest_job_seconds", state="running") or 0) < 7260
    assert 180 <= (found.value("oldest_job_seconds", state="queued") or 0) < 240
    assert [found.value("webhooks", state=state.value) for state in WebhookDelivery.State] == [0, 0, 1]
    assert "MARKER" not in str(found.samples)


def test_it_answers_without_its_database(gateway: Client, scrape: Ask) -> None:
    predict(gateway)
    found = with_database_down(scrape)
    assert found.value("database_up") == 0
    assert "ml_proxy_jobs" not in found.families
    assert "ml_proxy_log_numbers" not in found.families
    assert [found.value(f"{part}_up") for part in ("model", "journal", "redis")] == [1, 1, 1]
    assert (found.value("waiting_bytes") or 0) > 0
    assert scrape().value("database_up") == 1


def test_it_answers_without_redis(scrape: Ask, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    found = scrape()
    assert (found.value("redis_up"), found.value("database_up")) == (0, 1)
    assert "ml_proxy_queue_messages" not in found.families


def test_it_waits_for_a_part_that_hangs_only_until_its_deadline(
    scrape: Ask, model: ScriptedModel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scraping, "PART_SECONDS", 1.0)
    monkeypatch.setattr(ml_proxy.health, "PROBE_SECONDS", 60)  # the part itself keeps probing
    settings.UPSTREAM_TOTAL_SECONDS = 60
    asked = len(model.requests)

    goes_on = threading.Event()

    def hang(conversation: Conversation) -> None:
        goes_on.wait(60)
        conversation.answer()

    model.script = hang
    for _ in range(3):
        started = datetime.now(UTC)
        found = scrape()
        assert datetime.now(UTC) - started < timedelta(seconds=10)
        assert (found.value("model_up"), found.value("database_up"), found.value("redis_up")) == (0, 1, 1)
    assert len(model.requests) - asked == 1
    model.script = Conversation.answer
    goes_on.set()
    until(lambda: scrape().value("model_up") == 1)


def test_scrapes_in_quick_succession_share_one_measurement(
    scrape: Ask, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrape()
    monkeypatch.setattr(scraping, "FRESH_SECONDS", 60)
    asked = len(model.requests)
    for _ in range(5):
        scrape()
    assert len(model.requests) == asked


def test_it_answers_in_the_format_that_prometheus_asks_for(gateway: Client, broker: redis.Redis) -> None:
    response = gateway.get("/metrics", headers={"accept": PROMETHEUS})
    assert response["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    parsed = openmetrics.text_string_to_metric_families(response.content.decode())  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    assert families["ml_proxy_requests"].type == "counter"
    assert families["ml_proxy_added_seconds"].type == "histogram"
    plain = gateway.get("/metrics")
    assert plain["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert plain["Cache-Control"] == "no-store"
    assert {family.name for family in Scrape.of(plain.content.decode()).families.values()} == set(families)


@pytest.mark.parametrize("version", ["abc", "1.0.0;escaping=none", "1.x", ""])
def test_it_answers_in_plain_text_to_an_unknown_accept_field(
    gateway: Client, broker: redis.Redis, version: str
) -> None:
    response = gateway.get("/metrics", headers={"accept": f"application/openmetrics-text;version={version}"})
    assert response.status_code == 200
    assert "ml_proxy_requests" in response.content.decode()


def test_it_needs_no_authentication_and_accepts_any_host(
    gateway: Client, broker: redis.Redis, settings: Settings
) -> None:
    settings.API_AUTH, settings.DEBUG, settings.ALLOWED_HOSTS = "required", False, ["clinic.example"]
    response = gateway.get("/metrics", headers={"host": "web:8000"})
    assert response.status_code == 200
    assert gateway.head("/metrics").status_code == 200


def test_it_answers_405_to_a_wrong_method() -> None:
    response = Client(enforce_csrf_checks=True).post("/metrics")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


def test_counting_never_fails_a_prediction(
    gateway: Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
) -> None:
    """A process that cannot create its files, such as a child forked on a full disk."""
    (tmp_path / "no-folder").write_text("in the way")
    monkeypatch.setenv(CLIENT_FOLDER, os.environ.get(CLIENT_FOLDER, ""))
    settings.METRICS_DIR = tmp_path / "no-folder"
    monkeypatch.setattr(instruments, "_own_files", instruments._OwnFiles())
    monkeypatch.setattr(instruments, "_instruments", cache(instruments._Instruments))
    with caplog.at_level(logging.ERROR):
        assert [predict(gateway).status_code for _ in range(3)] == [200, 200, 200]
    assert caplog.text.count("cannot store the metrics") == 1
    response = gateway.get("/metrics")
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
