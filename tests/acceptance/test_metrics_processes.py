"""Metrics add up over several real processes: running, killed and forked ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.multiprocess import MultiProcessCollector

from common.metrics.process_metrics import MAX_DEAD_FILES
from tests.acceptance.helpers.recording import answered, scrape
from tests.support.metrics import Scrape
from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.system import ROOT, System
from tests.support.wait import until

pytestmark = pytest.mark.any_database  # the processes share files and locks, not the database

GUNICORN = [".venv/bin/gunicorn", "--workers", "2", "--preload", "--log-level", "warning", "backend.wsgi"]
CRASH_LOOP = """
import django, os, signal
django.setup()
from common import metrics
metrics.prepare()
for _ in range(50):
    child = os.fork()
    if not child:
        metrics.count_exchange("predict", "POST", 200, 0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System], shared_model: ScriptedModel) -> System:
    made = make_shared_system(ml_server_url=shared_model.url, GATEWAY_WORKERS="2", WORKER_METRICS_PORT=str(free_port()))
    made.start("redis", "web", "publisher", "worker-logs")
    return made


def predictions(system: System) -> float:
    return scrape(system).value("requests_total", view="predict", method="POST", status="200") or 0


def records(system: System, outcome: str) -> float:
    return scrape(system).value("records_total", outcome=outcome) or 0


def processes(system: System, program: str) -> set[int]:
    """Returns the ids of the running processes with metrics, by program."""
    labels = [dict(labels) for name, labels in scrape(system).samples if name.endswith("start_time_seconds")]
    return {int(found["pid"]) for found in labels if found["program"] == program}


def counted_by(file: Path) -> float:
    """Returns the predictions that one process counted."""
    merged = MultiProcessCollector.merge([str(file)])  # type: ignore[no-untyped-call]
    samples = [sample for metric in merged for sample in metric.samples if metric.name == "ml_proxy_requests"]
    return float(sum(sample.value for sample in samples if sample.labels["view"] == "predict"))


def shares_of(system: System) -> list[float]:
    """Returns the counted predictions by process."""
    shares = [counted_by(file) for file in (system.folder / "metrics").glob("counter_*.db")]
    return [share for share in shares if share]


def test_it_adds_up_two_gateway_processes_the_publisher_and_the_worker(system: System) -> None:
    until(lambda: len(processes(system, "web")) == 2, what="both")
    answered(system, 20)
    while len(shares_of(system)) < 2:  # the kernel chooses the process
        answered(system, 20)
    shares = shares_of(system)
    assert predictions(system) == records(system, "journaled") == sum(shares)
    until(lambda: records(system, "written") == sum(shares), what="rows")
    assert processes(system, "celery")
    assert processes(system, "manage") == {system.processes["publisher"].pid}
    assert (scrape(system).value("batches_total", sending="first") or 0) > 0
    assert scrape(system).value("publisher_up") == 1
    for process in system.family("publisher"):
        process.kill()
    until(lambda: scrape(system).value("publisher_up") == 0, what="no publisher")
    assert scrape(system).value("journal_up") == 1
    system.kill("publisher")
    system.start("publisher")


def test_it_keeps_what_a_killed_process_counted(system: System) -> None:
    before = predictions(system)
    web = processes(system, "web")
    for pid in web:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(processes(system, "web") - web) == 2, what="two others")
    assert predictions(system) == before
    answered(system, 20)
    assert predictions(system) == before + 20


def test_it_keeps_few_files_of_a_process_that_crashes_repeatedly(system: System) -> None:
    before = predictions(system)
    environment = {**system.environment, "DJANGO_SETTINGS_MODULE": "backend.settings"}
    subprocess.run([sys.executable, "-c", CRASH_LOOP], cwd=ROOT, env=environment, check=True)
    assert predictions(system) == before + 50
    assert len(list((system.folder / "metrics").rglob("*.db"))) <= MAX_DEAD_FILES + 2 * len(system.processes) * 3


def test_the_backlog_grows_while_the_worker_is_stopped_and_then_falls_to_zero(system: System) -> None:
    journaled = records(system, "journaled")
    until(lambda: records(system, "written") == journaled, what="nothing waiting")
    worker = system.family("worker-logs")
    for process in worker:
        process.suspend()
    answered(system, 30)
    found = until(lambda: (found := scrape(system)).numbers()["waiting"] == 30 and found, what="30 waiting")
    assert found
    assert (found.value("waiting_bytes") or 0) > 0
    assert (found.value("oldest_waiting_seconds") or 0) > 0
    for process in worker:
        process.resume()
    until(lambda: scrape(system).value("waiting_bytes") == 0, what="nothing waiting")
    numbers = until(lambda: (found := scrape(system).numbers())["written"] == journaled + 30 and found, what="rows")
    assert numbers
    assert numbers["answered"] == journaled + 30
    reconciled = dict(line.rsplit(maxsplit=1) for line in system.manage("reconcile").splitlines())
    assert {name: float(reconciled[name]) for name in numbers} == numbers


def test_a_worker_without_a_gateway_exports_its_own_metrics(system: System) -> None:
    url = f"http://127.0.0.1:{system.environment['WORKER_METRICS_PORT']}/metrics"

    def ask() -> Scrape:
        return Scrape.of(requests.get(url, timeout=60).text)

    before = until(ask, what="the worker's metrics").value("records_total", outcome="written")
    answered(system, 5)
    until(lambda: ask().value("records_total", outcome="written") == (before or 0) + 5, what="rows")
    assert ask().value("database_up") is None


def test_it_counts_in_forked_processes_as_in_others(system: System) -> None:
    before = predictions(system)
    system.kill("web", signal.SIGTERM)
    system.commands["web"] = [*GUNICORN[:-1], "--bind", system.url.removeprefix("http://"), GUNICORN[-1]]
    system.start("web")
    answered(system, 60)
    assert predictions(system) == before + 60
    forked = {process.pid for process in psutil.Process(system.processes["web"].pid).children()}
    assert len(processes(system, "gunicorn") & forked) == 2
    assert "Traceback" not in system.log_of("web")


def test_flower_and_beat_count_nothing(system: System) -> None:
    """They leave the metrics client unchanged: Flower has its own metrics."""
    code = "import worker.beat; from prometheus_client import values; print(values.ValueClass.__name__)"
    environment = {**system.environment, "VAR_DIR": str(system.folder / "beat")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert done.stdout.decode().strip() == "MutexValue"
    assert not (system.folder / "beat" / "metrics").exists()
