"""Guessing a password by HTTP Basic: 20 tries, then locked out, while other callers' predictions go on as before."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.support.model import ScriptedModel
from tests.support.production import CLINICIAN, create_clinician, production_settings
from tests.support.system import System
from tests.support.wait import DEADLINE_SECONDS, until

pytestmark = pytest.mark.any_database
TRIES = 20  # LOGIN_FAILURES, by default
PASSWORD = "synthetic horse battery"
BODY = {"doctor_name": "Dr. Kim", "patient_name": "Lee"}
HEALTHY = 300  # predictions before anybody guesses
ENOUGH_SECONDS = 0.05  # an average below this is as good as any: the machine does other work too


class Guesses:
    """Tries wrong passwords until the gateway locks the account."""

    def __init__(self, system: System) -> None:
        self.url = f"{system.url}/ml/v1/me/"
        self.answers: Counter[tuple[int, str]] = Counter()
        self.ends_at = time.monotonic() + DEADLINE_SECONDS

    def run(self, caller: int) -> None:
        """Guesses as fast as the answers come."""
        for number in range(10 * TRIES):
            kind = self.ask(f"{caller}-{number}")
            if kind == "locked-out" or time.monotonic() > self.ends_at:
                return

    def ask(self, password: str) -> str:
        """One try; returns the kind of its answer."""
        answer = requests.get(self.url, auth=(CLINICIAN, password), timeout=60)
        kind: str = answer.json().get("type", "").rpartition(":")[2]
        self.answers[answer.status_code, kind] += 1
        return kind


@contextmanager
def predictions(system: System, token: str) -> Iterator[list[float]]:
    """The seconds of predictions, one after another, during the block. All must be answered."""
    seconds: list[float] = []
    ends = threading.Event()

    def predict() -> None:
        with requests.Session() as session:
            while not ends.is_set():
                began = time.perf_counter()
                headers = {"Authorization": f"Bearer {token}"}
                answer = session.post(f"{system.url}/ml/v1/predict/", json=BODY, headers=headers, timeout=60)
                assert answer.status_code == 200, answer.text
                seconds.append(time.perf_counter() - began)

    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(predict)
        try:
            yield seconds
        finally:
            ends.set()
        running.result(60)


def test_a_guesser_is_locked_out_and_other_callers_are_unharmed(
    make_system: Callable[..., System], model: ScriptedModel
) -> None:
    system = make_system(ml_server_url=model.url, **production_settings())
    token = create_clinician(system, BODY["doctor_name"], PASSWORD)
    system.start("web")
    with predictions(system, token) as healthy:
        until(lambda: len(healthy) >= HEALTHY, what="predictions")
    guesses = Guesses(system)
    with predictions(system, token) as meanwhile, ThreadPoolExecutor(4) as executor:
        list(executor.map(guesses.run, range(4)))
    # A try is counted before its password is compared. On a busy machine its answer may be a 503 all the same.
    counters = {failures for (failures,) in system.sql("SELECT failures FROM accounts_loginattempts")}
    assert counters == {TRIES}, guesses.answers
    assert guesses.answers[401, "not-signed-in"] <= TRIES, guesses.answers
    assert guesses.answers[429, "locked-out"] == 4
    assert guesses.ask(PASSWORD) == "locked-out"  # the right one tells the guesser nothing
    for average in (statistics.median, statistics.fmean):  # one prediction at a time: the mean is the throughput
        assert average(meanwhile) < max(3 * average(healthy), ENOUGH_SECONDS)
