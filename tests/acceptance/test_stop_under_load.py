"""When the gateway is stopped, it answers the requests in progress, and ends event streams."""

import http.client
import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.support.model import Conversation, ScriptedModel
from tests.support.system import System
from tests.support.wait import until

CALLERS = 48  # more than there are threads to answer
BODY = json.dumps({"doctor_name": "Dr. Who", "patient_name": "P"})
FIELDS = {"Content-Type": "application/json"}
MODEL_SECONDS = 0.05
MOST_UNSEEN = CALLERS / 2


class Callers:
    """Threads that send predictions until the gateway refuses connections."""

    def __init__(self, port: int, *, keep_alive: bool) -> None:
        self.outcomes: Counter[str] = Counter()
        self._port = port
        self._keep_alive = keep_alive
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _call(self) -> None:
        outcome = ""
        while outcome != "refused":
            outcome = self._exchanges(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30))

    def _exchanges(self, connection: http.client.HTTPConnection) -> str:
        try:
            connection.connect()
        except ConnectionRefusedError:
            return "refused"
        try:
            while self._exchange(connection):
                pass
        except (OSError, http.client.HTTPException) as exc:
            self.outcomes[f"{type(exc).__name__}: {exc}"] += 1
        connection.close()
        return ""

    def _exchange(self, connection: http.client.HTTPConnection) -> bool:
        """Whether the connection can be used again."""
        connection.request("POST", "/ml/v1/predict/", BODY, FIELDS)
        answer = connection.getresponse()
        answer.read()
        self.outcomes[str(answer.status)] += 1
        return self._keep_alive and not answer.will_close


@pytest.fixture
def system(model: ScriptedModel, tmp_path: Path) -> Iterator[System]:
    made = System(tmp_path, ml_server_url=model.url)
    yield made
    made.stop()


@pytest.mark.parametrize("keep_alive", [False, True])
def test_it_answers_what_it_took_before_it_ends(keep_alive: bool, model: ScriptedModel, system: System) -> None:
    def slowly(conversation: Conversation) -> None:
        model.gone.wait(MODEL_SECONDS)
        conversation.answer()

    model.script = slowly
    system.start("web")
    callers = Callers(int(system.environment["GATEWAY_PORT"]), keep_alive=keep_alive)
    until(lambda: callers.outcomes["200"] >= 3 * CALLERS)
    process = system.processes["web"]
    system.kill("web", signal.SIGTERM)
    callers.join()
    assert process.returncode == 0
    # A connection that the kernel had accepted, but not yet the gateway, is reset: nobody processed its request.
    assert callers.outcomes["200"] == len(model.requests)
    assert sum(callers.outcomes.values()) - callers.outcomes["200"] < MOST_UNSEEN


RUNNING_JOB = """
from jobs.models import Job
print(Job.objects.create(kind="desk_photo", state=Job.State.RUNNING, attempt=1).id)
"""


def test_it_ends_event_streams_instead_of_waiting_for_their_jobs(make_system: Callable[..., System]) -> None:
    """Until then nobody would listen on its port. A stream that is cut off, as by a kill, is an error here."""
    system = make_system(JOB_EVENTS_SECONDS="3600")
    system.start("web")
    job = system.manage("shell", "-c", RUNNING_JOB).split()[-1]
    with requests.get(f"{system.url}/ai/jobs/{job}/events/", stream=True, timeout=60) as stream:
        lines = stream.iter_lines()
        until(lambda: b"event: progress" in next(lines), what="the first event")
        process = system.processes["web"]
        system.kill("web", signal.SIGTERM)
        assert [line for line in lines if line.startswith(b"event: ")] == []
    assert process.returncode == 0
