"""Long retrains in real processes: one at a time, with progress, cancellation, and crashed workers.

The worker's visibility timeout is one second here: every completed training takes longer.
"""

import base64
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import redis
import requests

from common.ids import uuid7
from tests.acceptance.helpers.processes import running
from tests.support.system import System
from tests.support.wait import DEADLINE_SECONDS, until

CALLERS = 200
CANCEL_SECONDS = 30  # far less than the duration of the training
MARKER = "MARKER-PARAMETER"
RESULTS = "django_celery_results_taskresult"


@pytest.fixture(scope="module")
def without_worker(make_shared_system: Callable[..., System]) -> System:
    """Everything that a retrain needs, except its worker."""
    system = make_shared_system(JOB_LEASE_SECONDS="5", JOB_HEARTBEAT_SECONDS="0.2", JOB_SWEEP_SECONDS="0.3")
    words = system.commands["worker-jobs"]
    system.commands["worker-jobs"] = [word.replace("worker.jobs", "tests.support.short_visibility") for word in words]
    system.start("redis", "ml_server", "web", "beat", "flower")
    until(lambda: ml(system, "status"), what="the model server")
    return system


@pytest.fixture
def system(without_worker: System) -> Iterator[System]:
    """The same with a worker, and without running jobs."""
    system = without_worker
    if "worker-jobs" not in system.processes:
        system.spawn("worker-jobs")
    yield system
    for job in jobs(system):
        requests.post(f"{url(system)}{job['id']}/cancel/", timeout=60)
    until(lambda: {job["state"] for job in jobs(system)} <= {"succeeded", "failed", "cancelled"})


def url(system: System) -> str:
    return f"{system.url}/ml/v1/retrain/jobs/"


def ml(system: System, path: str) -> Any:
    response = requests.get(f"{system.url}/ml/v1/{path}/", timeout=60)
    response.raise_for_status()
    return response.json()


def jobs(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(url(system), timeout=60).json()
    return found


def start(system: System, **body: Any) -> requests.Response:
    return requests.post(url(system), json=body, timeout=60)


def train(system: System, seconds: float) -> str:
    response = start(system, params={"min_seconds": seconds})
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    return job_id


def job_of(system: System, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{url(system)}{job_id}/", timeout=60).json()
    return found


def ended(system: System, job_id: str, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
    until(lambda: job_of(system, job_id)["finished_at"], seconds=seconds, what=f"the end of job {job_id}")
    return job_of(system, job_id)


def is_under_way(system: System, job_id: str) -> None:
    until(lambda: job_of(system, job_id)["progress"]["percent"] > 0, what="progress")


def is_training(system: System) -> bool:
    found: bool = ml(system, "status")["training"]["running"]
    return found


def flower(system: System, path: str) -> Any:
    return requests.get(f"http://127.0.0.1:{system.environment['FLOWER_PORT']}/api/{path}", timeout=60).json()


def test_one_of_two_hundred_is_accepted_and_can_be_cancelled_at_the_model_server(
    system: System,
) -> None:
    version = ml(system, "model-info")["version"]
    with ThreadPoolExecutor(CALLERS) as callers:
        responses = list(callers.map(lambda _: start(system, params={"min_seconds": 600}), range(CALLERS)))
    [taken] = [response for response in responses if response.status_code == 202]
    others = [response for response in responses if response is not taken]
    assert {response.status_code for response in others} == {409}
    assert {response.headers["Location"] for response in others} == {taken.headers["Location"]}
    job_id = taken.json()["id"]
    is_under_way(system, job_id)
    assert is_training(system)
    requests.post(f"{url(system)}{job_id}/cancel/", timeout=60)
    until(lambda: not is_training(system), seconds=CANCEL_SECONDS)
    assert ended(system, job_id)["state"] == "cancelled"
    assert ml(system, "model-info")["version"] == version
    assert system.predict({"doctor_name": "D", "patient_name": "P", **example(system)}).status_code == 200


def example(system: System) -> dict[str, Any]:
    found: dict[str, Any] = ml(system, "model-info")["models"][0]["example"]
    return found


@pytest.mark.any_database
def test_it_shows_its_progress_in_flower_and_in_the_results(system: System) -> None:
    job_id = train(system, 60)
    seen = until(lambda: _in_progress(system, job_id), what="progress in Flower")
    assert seen["name"] == "jobs.run"
    assert (seen["args"], seen["kwargs"]) == ("()", f"job {job_id}")
    assert re.fullmatch(r"\d+ %: epoch \d+ of 50", seen["result"])
    assert seen["worker"] == f"jobs@{socket.gethostname()}"
    assert flower(system, f"task/result/{job_id}") == {"task-id": job_id, "state": "PROGRESS"}
    kept = f"SELECT result, task_args, task_kwargs, task_name FROM {RESULTS} WHERE task_id = '{job_id}'"  # noqa: S608
    [(progress, *arguments)] = system.sql(kept)
    assert json.loads(progress).keys() == {"percent", "message"}
    assert arguments == [None] * 3
    requests.post(f"{url(system)}{job_id}/cancel/", timeout=60)
    assert ended(system, job_id)["state"] == "cancelled"
    done = until(lambda: _result(system, job_id, "SUCCESS"))
    assert done["result"] == {"job": job_id, "state": "cancelled"}
    until(lambda: flower(system, f"task/info/{job_id}")["state"] == "SUCCESS")


@pytest.mark.any_database
def test_it_runs_once_though_it_outlasts_the_visibility_timeout(system: System) -> None:
    job_id = train(system, 3)
    assert ended(system, job_id)["state"] == "succeeded"
    resent = system.log_of("worker-jobs").count(f"job {job_id} is sent again")
    assert system.log_of("worker-jobs").count(f"Task jobs.run[{job_id}] received") <= 1 + resent
    assert _attempts(system, job_id) == 1


@pytest.mark.any_database
def test_a_duplicate_message_changes_nothing_and_does_not_report_an_end(system: System) -> None:
    job_id = train(system, 60)
    until(lambda: _in_progress(system, job_id), what="progress in Flower")
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        for _ in range(3):
            connection.lpush("jobs", _message(job_id))
        until(lambda: system.log_of("worker-jobs").count(f"job {job_id} is no longer queued") >= 3)
    until(lambda: _in_progress(system, job_id), what="progress in Flower")
    assert flower(system, f"task/result/{job_id}")["state"] in {"STARTED", "PROGRESS"}
    assert f"Task jobs.run[{job_id}] succeeded" not in system.log_of("worker-jobs")
    requests.post(f"{url(system)}{job_id}/cancel/", timeout=60)
    assert ended(system, job_id)["state"] == "cancelled"
    assert until(lambda: _result(system, job_id, "SUCCESS"))["result"] == {"job": job_id, "state": "cancelled"}
    assert _attempts(system, job_id) == 1


def _message(job_id: str) -> str:
    """The message of a job, as `jobs.submission` sends it."""
    headers = {"lang": "py", "task": "jobs.run", "id": job_id, "root_id": job_id, "argsrepr": "()", "kwargsrepr": ""}
    body = base64.b64encode(json.dumps([[], {"job_id": job_id}, {}]).encode()).decode()
    delivery = {"exchange": "", "routing_key": "jobs"}
    properties = {"body_encoding": "base64", "delivery_tag": str(uuid7()), "delivery_info": delivery}
    kind = {"content-type": "application/json", "content-encoding": "utf-8"}
    return json.dumps({"body": body, "headers": headers, "properties": properties, **kind})


def _in_progress(system: System, job_id: str) -> Any:
    found = flower(system, "tasks").get(job_id, {})
    return found if found.get("state") == "PROGRESS" and "epoch" in found["result"] else None


def _result(system: System, job_id: str, state: str) -> Any:
    found = flower(system, f"task/result/{job_id}")
    return found if found["state"] == state else None


@pytest.mark.any_database
def test_parameters_do_not_reach_celery(system: System) -> None:
    job_id = start(system, model=MARKER, params={"note": MARKER}).json()["id"]
    assert ended(system, job_id)["state"] == "failed"
    until(lambda: _result(system, job_id, "SUCCESS"))
    outputs = {name: system.log_of(name) for name in ("worker-jobs", "beat", "flower", "web")}
    outputs |= {"flower's tasks": json.dumps(flower(system, "tasks?limit=1000"))}
    outputs |= {"results": repr(system.sql(f"SELECT * FROM {RESULTS}"))}  # noqa: S608
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        outputs |= {f"redis {key!r}": repr(connection.dump(key)) for key in connection.scan_iter()}
    assert job_id in outputs["results"]
    assert [name for name, text in outputs.items() if MARKER in text] == []


def test_it_succeeds_although_its_worker_is_killed(system: System) -> None:
    versions = _versions(system)
    job_id = train(system, 3)
    is_under_way(system, job_id)
    killed = time.monotonic()
    system.kill("worker-jobs")
    system.spawn("worker-jobs")
    until(lambda: _attempts(system, job_id) == 2, what="the second attempt")
    job = ended(system, job_id)
    assert time.monotonic() - killed < 90
    assert job["state"] == "succeeded"
    assert _versions(system) == versions + 1
    assert job["result"]["model"]["version"] == ml(system, "model-info")["version"]
    assert _attempts(system, job_id) == 2


def _versions(system: System) -> int:
    return len(list((system.folder / "models").glob("*/*/model.onnx")))


def _attempts(system: System, job_id: str) -> int:
    [[attempt]] = system.sql(f"SELECT attempt FROM jobs_job WHERE id = '{UUID(job_id).hex}'")  # noqa: S608
    return int(attempt)


def test_it_fails_if_the_process_that_waits_for_it_is_killed(system: System) -> None:
    body = {"params": {"min_seconds": 600}}
    with ThreadPoolExecutor() as callers:
        call = callers.submit(requests.post, f"{system.url}/ml/v1/retrain/", json=body, timeout=60)
        job_id = until(lambda: [job["id"] for job in jobs(system) if job["state"] == "running"])[0]
        until(lambda: is_training(system))
        system.kill("web")
        assert isinstance(call.exception(), requests.ConnectionError)
    system.start("web")
    job = ended(system, job_id)
    assert (job["state"], job["error"][:41]) == ("failed", "The process that waited for the job died,")
    until(lambda: not is_training(system))


@pytest.mark.any_database
def test_a_command_starts_it_and_reports_the_result_as_exit_status(system: System) -> None:
    words = ["retrain", "--wait", "--param", "min_seconds=60"]
    command = [sys.executable, "manage.py", *words]
    with running(command, system.environment) as program:
        job_id = until(lambda: program.lines)[0]
        is_under_way(system, job_id)
        other = system.ask("retrain")
        assert other.returncode == 3
        assert job_id in other.stderr
        program.send(signal.SIGINT)
        assert program.status() == 130
        assert f"curl -X POST {url(system)}{job_id}/cancel/" in program.text
    assert job_of(system, job_id)["state"] == "running"
    assert job_of(system, job_id)["requested_by"] == "manage.py retrain"
    requests.post(f"{url(system)}{job_id}/cancel/", timeout=60)
    ended(system, job_id)
    done = system.ask("retrain", "--wait", "--param", "epochs=2", "--param", "seed=5")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["succeeded"]), done.stderr
    assert job_of(system, done.stdout.splitlines()[0])["params"] == {
        "params": {"epochs": 2, "seed": 5},
        "verdicts": True,  # by default
    }
