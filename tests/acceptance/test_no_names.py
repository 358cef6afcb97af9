"""No patient name and no payload is visible to operators: a marker is sent in every kind of request and searched for.

The test searches all logs at level DEBUG, Flower, Celery's results, Redis after it is drained, metrics and traces. The
marker must be found only in the tables of the log.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import requests
from pytest_django import Settings

from common import broker
from recording.batches import WRITE_RECORDS
from tests.support.log_lines import parse_log
from tests.support.model import Conversation, ScriptedModel
from tests.support.system import System
from tests.support.trace_collector import Collector
from tests.support.wait import until

MARK = "MARKER"
BODY = {"doctor_name": f"Dr. {MARK}", "patient_name": f"{MARK} 김민준", "features": [f"{MARK}-payload"]}
PROCESSES = ("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs", "beat", "flower")
TABLE = "ml_proxy_inferencelog"


def spellings() -> set[bytes]:
    """Returns the marker as text, in hex, and in base64 at every offset."""
    raw = MARK.encode()
    coded = (base64.b64encode(b"\0" * shift + raw + b"\0" * 3) for shift in range(3))
    return {raw, raw.hex().encode(), *(text[4 if shift else 0 : 8] for shift, text in enumerate(coded))}


def holds_the_mark(text: str | bytes) -> bool:
    data = text.encode() if isinstance(text, str) else text
    return any(spelling.lower() in data.lower() for spelling in spellings())


class Site:
    """The whole system, with a scripted model and a collector of traces."""

    def __init__(self, system: System, model: ScriptedModel, collector: Collector) -> None:
        self.system = system
        self.model = model
        self.collector = collector
        port = system.environment["FLOWER_PORT"]
        self.flower = f"http://127.0.0.1:{port}"
        self.ml_server = f"http://127.0.0.1:{system.environment['ML_SERVER_PORT']}/api/v1"
        self.redis = redis.Redis(port=int(system.environment["REDIS_PORT"]))

    def predict(self, **fields: str) -> requests.Response:
        return self.system.predict(BODY, X_Request_ID="known", **fields)

    def printed(self, name: str, text: str) -> None:
        """Waits until a process has printed `text`, so that the step has really happened."""
        until(lambda: text in self.system.log_of(name), what=f"{text!r} of {name}")

    def tables(self, prefix: str) -> dict[str, list[Any]]:
        """Returns all rows of the tables with this prefix."""
        names = "SELECT tablename FROM pg_tables" if self.system.environment.get("DATABASE_URL") else LITE_TABLES
        found = [name for (name,) in self.system.sql(names) if name.startswith(prefix)]
        return {name: self.system.sql(f"SELECT * FROM {name}") for name in found}  # noqa: S608 - own table names


LITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


@pytest.fixture
def site(make_system: Callable[..., System], model: ScriptedModel, settings: Settings) -> Iterator[Site]:
    collector = Collector()
    system = make_system(
        ML_SERVER_URL=model.url,
        REPUBLISH_SECONDS="0.5",
        LOG_LEVEL="DEBUG",
        LOG_FORMAT="json",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    found = Site(system, model, collector)
    settings.REDIS_URL = f"redis://127.0.0.1:{system.environment['REDIS_PORT']}/0"
    system.start(*PROCESSES)
    for name in ("worker-logs", "worker-jobs"):
        found.printed(name, " ready.")
    until(lambda: requests.get(f"{found.ml_server}/status", timeout=2).ok, what="ml_server")
    until(lambda: requests.get(f"{found.flower}/healthcheck", timeout=2).ok, what="flower")
    yield found
    found.redis.close()
    collector.close()


def echoes(status: str) -> Callable[[Conversation], None]:
    return lambda conversation: conversation.answer(conversation.body, status=status)


def predictions(site: Site) -> None:
    """One answered prediction, then failures of the model that quote its input, then bad requests."""
    assert site.predict(Authorization=f"Basic {MARK}", X_Note=MARK).ok
    for script, status in (
        (echoes(f"500 {MARK}"), 500),
        (lambda conversation: conversation.send(f"{MARK} garbage\r\n\r\n".encode()), 502),
        (lambda conversation: conversation.answer(f"{MARK}, no JSON".encode()), 502),
    ):
        site.model.script = script
        assert site.predict().status_code == status
    site.model.script = Conversation.answer
    for body in (f"{MARK} no json".encode(), {"doctor_name": MARK * 99, MARK: 1}):
        assert site.system.predict(body).status_code == 400
    assert site.system.history(patient=f"{MARK} 김민준").status_code == 200
    assert site.system.history(patient=MARK, nonsense=MARK).status_code == 400


def quarantine(site: Site) -> None:
    """The database refuses the record."""
    until(lambda: site.tables(TABLE)[TABLE], what="the first row")
    site.system.sql(f"CREATE UNIQUE INDEX mistake ON {TABLE} (doctor_name)")
    assert site.predict().ok
    site.printed("worker-logs", "is quarantined")
    site.system.sql("DROP INDEX mistake")


def retry(site: Site) -> None:
    """The worker can't write and gets the records again."""
    site.system.sql(f"ALTER TABLE {TABLE} RENAME TO away")
    assert site.predict().ok
    site.printed("worker-logs", "will be sent again")
    site.printed("publisher", "are sent again")
    site.system.sql(f"ALTER TABLE away RENAME TO {TABLE}")
    until(lambda: len(site.tables(TABLE)[TABLE]) == 2, what="the second row")


def unknown_messages(site: Site) -> None:
    """Messages from an unknown sender."""
    for task in (WRITE_RECORDS, "worker.no_such_task"):
        broker.send(task, {"patient": MARK}, queue=broker.LOGS_QUEUE, shown_as="-")
    envelope = {"body": MARK, "headers": {"task": MARK}, "properties": {}}
    site.redis.lpush(broker.LOGS_QUEUE, json.dumps(envelope))
    site.printed("worker-logs", "message dropped")


def retrain(site: Site) -> None:
    """A job whose model fails and quotes its input."""
    site.model.script = echoes("500 Oh")
    url, key = f"{site.system.url}/ml/v1/retrain/jobs/", {"Idempotency-Key": f"{MARK}-key"}
    made = requests.post(url, json={"params": {"note": MARK}}, headers=key, timeout=60)
    assert made.status_code == 202
    until(lambda: requests.get(f"{url}{made.json()['id']}/", timeout=10).json()["state"] == "failed", what="the job")


def model_server(site: Site) -> None:
    """Sends requests to the reference model server directly."""
    for query, data in (
        ("", json.dumps(BODY)),
        (f"?patient={MARK}", f"{MARK} no json"),
        ("", f'{{"model": "{MARK}"}}'),
    ):
        answer = requests.post(f"{site.ml_server}/predict{query}", data=data, timeout=60)
        assert 400 <= answer.status_code < 500
    site.printed("ml_server", "POST /api/v1/predict 422")


def in_flower(site: Site) -> dict[str, str]:
    """Each page that shows tasks."""
    tasks = requests.get(f"{site.flower}/api/tasks", timeout=60).json()
    assert {"recording.write_records", "jobs.run"} <= {task["name"] for task in tasks.values()}
    paths = ["/api/tasks", "/tasks", "/workers", "/metrics", *(f"/task/{uuid}" for uuid in tasks)]
    return {path: requests.get(f"{site.flower}{path}", timeout=60).text for path in paths}


def in_redis(site: Site) -> dict[str, str]:
    """Returns what is left in Redis when all queues are empty."""
    until(lambda: not site.redis.llen("logs") + site.redis.hlen("unacked.logs"), what="a drained queue")
    return {repr(key): repr(site.redis.dump(key)) for key in site.redis.scan_iter()}


def in_traces(site: Site) -> dict[str, bytes]:
    names = {"POST /ml/v1/predict/", "POST /api/v1/predict", "write row", "run jobs.run"}
    until(lambda: names <= {span.name for span in list(site.collector.spans)}, what="traces of every kind")
    until(lambda: any(span.is_error for span in site.collector.named("write row")), what="what became no row")
    return {f"export {number}": body for number, body in enumerate(site.collector.raw)}


def test_operators_see_no_patient_data(site: Site) -> None:
    for send in (predictions, quarantine, retry, unknown_messages, retrain, model_server):
        send(site)
    metrics = requests.get(f"{site.system.url}/metrics", timeout=60)
    results = site.tables("django_celery_results_")
    assert results["django_celery_results_taskresult"]
    outputs: dict[str, str | bytes] = {
        **in_traces(site),
        **in_redis(site),
        **in_flower(site),
        **{name: repr(rows) for name, rows in results.items()},
        **{f"the log of {name}": site.system.log_of(name) for name in PROCESSES},
        "metrics": metrics.text if metrics.ok else "",
    }
    assert all(parse_log(site.system.log_of(name)) for name in PROCESSES if name != "redis")
    assert [name for name, text in outputs.items() if holds_the_mark(text)] == []
    assert all(holds_the_mark(repr(site.tables(name))) for name in (TABLE, "recording_disposition", "jobs_job"))


def test_it_would_find_the_marker() -> None:
    coded = base64.b64encode(json.dumps(BODY).encode())
    for text in (json.dumps(BODY), coded, json.dumps(BODY).encode().hex(), f"?q={MARK.lower()}"):
        assert holds_the_mark(text)
    assert not holds_the_mark("1 records, 1-1 of 01a1fdaa-b2da-7588-bef6-f2e1d71c5a16")
