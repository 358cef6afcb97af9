"""Under load, on several gateway processes: a revoked token ends soon, and no caller chooses its address."""

import base64
import http.client
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import requests

from tests.support.model import ScriptedModel
from tests.support.production import create_clinician, production_settings
from tests.support.system import System
from tests.support.wait import DEADLINE_SECONDS, until

BODY = {"doctor_name": "Dr. Kim", "patient_name": "Lee"}
CONNECTIONS = 16  # that the kernel shares out over two processes: one of them gets none once in 32,768 runs
SECONDS = 2.0  # until a revoked token is refused
WAITS = 20  # on a machine that does other work too, as many answers may pass instead


class Connection:
    """One kept connection, and so one gateway process: its answers as pairs of time and status, until it is refused."""

    def __init__(self, system: System, token: str) -> None:
        self.answers: list[tuple[float, int]] = []
        self._url = f"{system.url}/ml/v1/predict/"
        self._headers = {"Authorization": f"Bearer {token}"}

    def run(self, stop: threading.Event) -> None:
        """Predicts without a pause."""
        with requests.Session() as session:
            while not stop.is_set():
                answer = session.post(self._url, json=BODY, headers=self._headers, timeout=60)
                self.answers.append((time.monotonic(), answer.status_code))


@pytest.fixture
def system(make_system: Callable[..., System], model: ScriptedModel) -> System:
    return make_system(ml_server_url=model.url, GATEWAY_WORKERS="2", TRUST_PROXY="1", **production_settings())


@pytest.mark.any_database
def test_a_revoked_token_is_refused_within_two_seconds_on_every_process(system: System) -> None:
    token = create_clinician(system, BODY["doctor_name"])
    system.start("web")
    connections, stop = [Connection(system, token) for _ in range(CONNECTIONS)], threading.Event()
    with ThreadPoolExecutor(CONNECTIONS) as executor:
        running = [executor.submit(each.run, stop) for each in connections]
        try:
            until(lambda: all(len(each.answers) >= 3 for each in connections), what="answers")
            system.sql("UPDATE accounts_apitoken SET revoked_at = '2026-01-01 00:00:00+00:00'")
            revoked_at = time.monotonic()
            until(lambda: all(each.answers[-1][1] == 401 for each in connections), what="refusals")
        finally:
            stop.set()
        for each in running:
            each.result(DEADLINE_SECONDS)
    for connection in connections:
        statuses = [status for _, status in connection.answers]
        assert set(statuses) == {200, 401}
        assert statuses == sorted(statuses), "a refused token was taken again"
        last = max(moment for moment, status in connection.answers if status == 200)
        waits = [later - sooner for (sooner, _), (later, _) in pairwise(connection.answers)]
        assert last - revoked_at < max(SECONDS, WAITS * statistics.median(waits))


@pytest.mark.any_database
def test_a_second_x_forwarded_for_does_not_choose_the_network_that_is_locked_out(system: System) -> None:
    system.environment["LOGIN_FAILURES"] = "3"
    create_clinician(system, BODY["doctor_name"], "synthetic horse battery")
    system.start("web")
    for number in range(6):  # as behind a proxy that adds a line of its own instead of replacing the caller's
        guess(system, f"wrong {number}", f"203.0.113.{number}", "192.0.2.9")
    assert system.sql("SELECT count(*) FROM accounts_loginattempts WHERE account = ''") == [(1,)]


def guess(system: System, password: str, *forwarded: str) -> None:
    connection = http.client.HTTPConnection(system.url.removeprefix("http://"), timeout=60)
    connection.putrequest("GET", "/ml/v1/me/")
    connection.putheader("Authorization", "Basic " + base64.b64encode(f"clinician:{password}".encode()).decode())
    for address in forwarded:
        connection.putheader("X-Forwarded-For", address)
    connection.endheaders()
    assert connection.getresponse().status in {401, 429, 503}
    connection.close()
