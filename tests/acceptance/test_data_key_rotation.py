"""Data keys are rotated while predictions flow: whatever order processes restart in, nothing is lost."""

import base64
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from common.encryption import key_id
from tests.acceptance.helpers.recording import assert_all_are_rows, rows
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

PROCESSES = ("web", "publisher", "worker-logs")
PEOPLE = {"doctor_name": "Dr. Rotation", "patient_name": "김민준"}


class Load:
    """Predictions, one after another; `answered` has the ids of those that were answered."""

    def __init__(self, system: System) -> None:
        self.answered: set[str] = set()
        self.refused: set[int] = set()
        self.stop = threading.Event()
        self._system = system

    def run(self) -> None:
        while not self.stop.wait(0.05):  # so that all rows fit on one page of history
            try:
                answer = self._system.predict(PEOPLE)
            except requests.ConnectionError:  # the gateway restarts
                continue
            if answer.ok:
                self.answered.add(answer.headers["X-Inference-ID"])
            else:
                self.refused.add(answer.status_code)

    def wait_for_more(self, count: int = 10) -> None:
        """Waits for so many more answers."""
        wanted = len(self.answered) + count
        until(lambda: len(self.answered) >= wanted, what="answers")


@contextmanager
def load(system: System) -> Iterator[Load]:
    running = Load(system)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        thread.join()


def new_key() -> bytes:
    return os.urandom(32)


def configure(system: System, *keys: bytes) -> None:
    system.environment["DATA_KEYS"] = ",".join(base64.b64encode(key).decode() for key in keys)


def restart(system: System, name: str) -> None:
    system.kill(name, signal.SIGTERM)
    system.start(name)


def test_keys_rotate_under_load_and_nothing_is_lost(make_system: Callable[..., System], model: ScriptedModel) -> None:
    old, new = new_key(), new_key()
    system = make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="0.5", JOURNAL_SEGMENT_BYTES="8192")
    configure(system, old)
    system.start("redis", *PROCESSES)
    with load(system) as running:
        running.wait_for_more()
        configure(system, new, old)
        restart(system, "web")  # first: until the worker has the new key too, records wait
        until(lambda: f"No key in DATA_KEYS has the id {key_id(new)}" in system.log_of("worker-logs"), what="a refusal")
        running.wait_for_more()
        for name in ("worker-logs", "publisher"):
            restart(system, name)
        running.wait_for_more()
        system.manage("encrypt_data", "--no-progress")
        until(lambda: system.ask("encrypt_data", "--check").returncode == 0, what="nothing with the old key")
        configure(system, new)
        for name in PROCESSES:
            restart(system, name)
        running.wait_for_more()
    assert running.refused == set()
    assert_all_are_rows(system, running.answered)
    people = {
        (row["doctor_name"], row["patient_name"]) for row in system.history(limit="1000", patient="김민준").json()
    }
    assert people == {("Dr. Rotation", "김민준")}
    assert "quarantined" not in system.log_of("worker-logs")
    total = len(rows(system))
    done = system.manage("erase", "--doctor", "Dr. Rotation", "--reason", "asked for", "--yes")
    assert f"{total} rows were erased" in done
    assert rows(system) == []
    assert "all in place and unchanged" in system.manage("verify_log")
