"""Data keys are rotated while predictions flow: whatever order processes restart or crash in, nothing is lost."""

import base64
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from common.encryption import key_id
from tests.acceptance.helpers.recording import assert_all_are_rows, history_of, rows
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
        while not self.stop.wait(0.05):
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


def restart(system: System, name: str, signum: int = signal.SIGTERM) -> None:
    system.kill(name, signum)
    system.start(name)


def found_by_name(system: System) -> set[str]:
    """The ids that history finds by the patient's name; each row shows both names."""
    found = history_of(system, patient=PEOPLE["patient_name"])
    assert all({name: row[name] for name in PEOPLE} == PEOPLE for row in found)
    return {row["id"] for row in found}


def assert_found(system: System, running: Load) -> None:
    """History finds by name whatever is answered by now, and what is written verifies while more is written."""
    answered = set(running.answered)
    until(lambda: answered <= found_by_name(system), what="the rows by their name")
    verified = system.ask("verify_log", "--no-progress")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_keys_rotate_under_load_and_nothing_is_lost(make_system: Callable[..., System], model: ScriptedModel) -> None:
    old, new = new_key(), new_key()
    system = make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="0.5", JOURNAL_SEGMENT_BYTES="8192")
    configure(system, old)
    system.start("redis", *PROCESSES)
    with load(system) as running:
        running.wait_for_more()
        configure(system, new, old)
        assert_found(system, running)
        restart(system, "web")  # first: until the worker has the new key too, records wait
        until(lambda: f"No key in DATA_KEYS has the id {key_id(new)}" in system.log_of("worker-logs"), what="a refusal")
        running.wait_for_more()
        restart(system, "worker-logs", signal.SIGKILL)
        restart(system, "publisher")
        running.wait_for_more()
        assert_found(system, running)
        too_early = system.ask("encrypt_data", "--check")
        assert (too_early.returncode, f"key {key_id(old)}  <- not the first key" in too_early.stdout) == (1, True)
        system.manage("encrypt_data", "--no-progress")
        until(lambda: "can be removed" in system.ask("encrypt_data", "--check").stdout, what="nothing with the old key")
        configure(system, new)
        for name in PROCESSES:
            restart(system, name)
        running.wait_for_more()
        assert_found(system, running)
    assert running.refused == set()
    assert_all_are_rows(system, running.answered)
    assert running.answered <= found_by_name(system)
    assert "quarantined" not in system.log_of("worker-logs")
    total = len(rows(system))
    done = system.manage("erase", "--doctor", "Dr. Rotation", "--reason", "asked for", "--yes")
    assert f"{total} rows were erased" in done
    assert rows(system) == []
    assert "all in place and unchanged" in system.manage("verify_log")
