"""Jobs of desk photos in real processes: killed workers, waiting callers, events, cancelling and call-backs."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from ml_proxy_client import MlProxy
from standardwebhooks import Webhook

from common.ids import uuid7
from jobs.webhooks.signing import new_secret
from tests.support import desk_server
from tests.support.desk_server import JOBS, V1, DeskServer
from tests.support.dying_worker import DEADLY
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until
from tools.chaos import desk_photos

pytestmark = pytest.mark.any_database

SECRET = new_secret()
CALLERS, LISTENERS, KILLS, NICENESS = 20, 24, 4, 1
ENDED = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def server() -> Iterator[DeskServer]:
    made = DeskServer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[ScriptedModel]:
    made = ScriptedModel()
    made.script = lambda conversation: conversation.answer(b"", status="204 No Content")
    yield made
    made.close()


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System], server: DeskServer, receiver: ScriptedModel) -> System:
    made = make_shared_system(
        JOB_LEASE_SECONDS="0.8",
        JOB_HEARTBEAT_SECONDS="0.1",
        JOB_SWEEP_SECONDS="0.2",
        JOB_NICENESS=str(NICENESS),
        GATEWAY_THREADS="8",
        LISTENERS_PER_CALLER=str(LISTENERS),
        CALLBACK_HOSTS=receiver.url,
        CALLBACK_ALLOW_PRIVATE="1",
        CALLBACK_SECRET=SECRET,
        **desk_server.settings_of(server.url),
    )
    words = made.commands["worker-jobs"]
    made.commands["worker-jobs"] = [word.replace("worker.jobs", "tests.support.dying_worker") for word in words]
    made.start("redis", "web", "worker-jobs", "beat")
    return made


def put(system: System, server: DeskServer, picture: str, **fields: Any) -> requests.Response:
    body = {"image_url": f"{server.url}/{picture}", **fields.pop("body", {})}
    return requests.put(f"{system.url}{V1}{fields.pop('job_id', uuid7())}/", json=body, timeout=90, **fields)


def job_of(system: System, job_id: str) -> Any:
    return requests.get(f"{system.url}{JOBS}{job_id}/", timeout=60).json()


def ended(system: System, job_id: str) -> Any:
    until(lambda: job_of(system, job_id)["state"] in ENDED, seconds=120, what=f"the end of job {job_id}")
    return job_of(system, job_id)


def files_of(system: System, job_id: str) -> set[str]:
    folder = system.folder / "files" / "imaging" / "jobs" / job_id
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_worker_killed_before_and_after_each_stage_pays_once(system: System, server: DeskServer) -> None:
    job_id = put(system, server, DEADLY).json()["id"]
    job = ended(system, job_id)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert len(job["result"]["products"]) == 2
    died = {path.name for path in system.folder.glob("died-*")}
    stages = ("fetch", "classify", "describe", "draw", "store", "products")
    assert died == {f"died-{moment}-{stage}" for moment in ("before", "after") for stage in stages}
    assert sum(server.paid.values()) == 1
    until(lambda: files_of(system, job_id) == {"processed.jpg"}, what="tidying")


def test_equal_puts_at_the_same_moment_are_one_job_and_a_caller_may_wait_for_it(
    system: System, server: DeskServer
) -> None:
    server.paid.clear()
    job_id = uuid7()
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(lambda _: put(system, server, "2.jpg", job_id=job_id), range(CALLERS)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert {answer.json()["id"] for answer in answers} == {str(job_id)}
    waited = put(system, server, "2.jpg", job_id=job_id, headers={"Prefer": "wait=60"})
    assert (waited.status_code, waited.json()["state"]) == (200, "succeeded")
    assert sum(server.paid.values()) == 1


def test_of_different_uploads_at_the_same_moment_with_one_id_one_becomes_the_job(system: System) -> None:
    url = f"{system.url}{V1}{uuid7()}/"

    def upload(number: int) -> requests.Response:
        return requests.put(url, files={"photo": ("desk.png", desk_server.numbered(str(number % 4)))}, timeout=90)

    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(upload, range(CALLERS)))
    accepted = [number % 4 for number, answer in enumerate(answers) if answer.status_code in {200, 202}]
    assert len(set(accepted)) == 1
    assert len(accepted) == CALLERS // 4
    assert {answer.status_code for answer in answers} <= {200, 202, 422}


def test_what_runs_jobs_gives_way_to_everything_else(system: System) -> None:
    *pool, main = system.family("worker-jobs")
    niceness = min(main.nice() + NICENESS, 19)
    until(lambda: [each.nice() for each in pool] == [niceness] * len(pool), what="the niceness of the pool")
    assert pool


def test_a_cancelled_job_cuts_the_call_of_its_provider_and_leaves_no_file(system: System, server: DeskServer) -> None:
    goes_on = threading.Event()
    server.before_answer = lambda: _wait(goes_on)
    try:
        job_id = put(system, server, "3.jpg").json()["id"]
        seen: list[tuple[str, Any]] = []
        for event, data in events(system, job_id):
            seen.append((event, data))
            if data["progress"]["message"] == "draw":
                until(lambda: sum(server.paid.values()) == 2, what="the provider's call")
                requests.post(f"{system.url}{JOBS}{job_id}/cancel/", timeout=60)
    finally:
        goes_on.set()
        server.before_answer = lambda: None
    assert {event for event, _ in seen[:-1]} == {"progress"}
    assert (seen[-1][0], seen[-1][1]["state"]) == ("end", "cancelled")
    assert job_of(system, job_id)["result"] is None
    until(lambda: files_of(system, job_id) == set(), what="tidying")


def events(system: System, job_id: str) -> Iterator[tuple[str, Any]]:
    """The events of a job until its end; connects again as a browser does."""
    while True:
        with requests.get(f"{system.url}{JOBS}{job_id}/events/", stream=True, timeout=60) as stream:
            name = ""
            for line in stream.iter_lines():
                if line.startswith(b"event: "):
                    name = line[7:].decode()
                if line.startswith(b"data: "):
                    yield name, json.loads(line[6:])
                    if name == "end":
                        return


def test_listeners_hold_up_nobody_else(system: System, server: DeskServer) -> None:
    goes_on = threading.Event()
    server.before_answer = lambda: _wait(goes_on)
    streams: list[requests.Response] = []
    try:
        job_id = put(system, server, "4.jpg").json()["id"]
        path = f"{system.url}{JOBS}{job_id}/events/"
        while len(streams) < LISTENERS:  # those of earlier tests may just end
            stream = until(lambda: _stream(path), what="a place")
            assert stream is not None
            streams.append(stream)
        refused = requests.get(path, timeout=60)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
        assert "LISTENERS_PER_CALLER" in refused.json()["detail"]
        assert requests.get(f"{system.url}/ai/info/", timeout=30).ok  # of 8 threads, 1 is for jobs and events
        assert job_of(system, job_id)["state"] == "running"
    finally:
        goes_on.set()
        server.before_answer = lambda: None
        for each in streams:
            each.close()
    assert ended(system, job_id)["state"] == "succeeded"


def _wait(event: threading.Event) -> None:
    event.wait(120)


def _stream(path: str) -> requests.Response | None:
    opened = requests.get(path, stream=True, timeout=60)
    return opened if opened.status_code == 200 else None


def test_a_desk_s_caller_is_called_back(system: System, server: DeskServer, receiver: ScriptedModel) -> None:
    body = {"initial_image_url": f"{server.url}/5.jpg", "callback_url": f"{receiver.url}/done"}
    answer = requests.post(f"{system.url}/ai/classify/", json=body, timeout=60)
    assert (answer.status_code, answer.json()["classify"]) == (200, True)
    [request] = until(lambda: list(receiver.requests), what="the call-back")
    event = Webhook(SECRET).verify(request.body, request.fields)
    assert (event["type"], event["data"]["id"]) == ("job.succeeded", answer.json()["job"])
    picture = requests.get(f"{system.url}{event['data']['result']['processed_image_url']}", timeout=60)
    assert picture.headers["Content-Type"] == "image/jpeg"


def test_random_kills_break_no_promise(system: System, server: DeskServer) -> None:
    server.paid.clear()
    server.answered.clear()
    figures = desk_photos.campaign(system, server, KILLS, seed=1)
    server.on_paid, server.before_answer = (lambda *_: None), (lambda: None)
    assert figures.is_whole, figures
    assert figures.kills >= KILLS
    assert figures.results == figures.answered


def test_the_python_client_redraws_a_desk(system: System, server: DeskServer, tmp_path: Path) -> None:
    photo = tmp_path / "desk.png"
    photo.write_bytes(desk_server.numbered("/41.png"))
    proxy = MlProxy(system.url)
    for image in (f"{server.url}/40.jpg", photo):
        seen: list[str] = []
        job = proxy.redraw_desk(image, idempotency_key=str(image))
        result = job.wait(lambda state, seen=seen: seen.append(state["state"]), timeout=120)  # type: ignore[misc]
        assert set(result) >= {"initial_image_url", "processed_image_url", "products"}
        assert seen[-1] == "succeeded"
        assert proxy.redraw_desk(image, idempotency_key=str(image)).id == job.id
