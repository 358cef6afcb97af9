"""One publisher at a time for a state folder, whichever servers and processes share it, and whoever of them dies."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.acceptance.helpers.recording import answered, rows
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.waiting import until

pytestmark = pytest.mark.any_database  # what is shared here are files and locks

GUNICORN = [".venv/bin/gunicorn", "--workers", "3", "--log-level", "warning", "backend.wsgi"]


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System], shared_model: ScriptedModel) -> System:
    """Everything but a gateway."""
    made = make_shared_system(ml_server_url=shared_model.url, REPUBLISH_SECONDS="1", GATEWAY_WORKERS="2")
    made.start("redis", "worker-logs")
    return made


def start(system: System, name: str, command: list[str] | None = None) -> None:
    if command:
        system.commands[name] = command
    system.start(name)


def bound(system: System, *more: str) -> list[str]:
    """Gunicorn on the system's port."""
    return [*GUNICORN[:-1], "--bind", system.url.removeprefix("http://"), *more, GUNICORN[-1]]


def publishing(system: System) -> int:
    """The id of the process that holds the folder's lock, as the kernel tells; 0 for none."""
    inode = (system.folder / "journal" / "publisher.lock").stat().st_ino
    held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    pids = [int(words[4]) for words in held if words[1] == "FLOCK" and words[5].endswith(f":{inode}")]
    assert len(pids) <= 1
    return pids[0] if pids else 0


def assert_recorded(system: System, count: int = 30) -> None:
    """Predictions from several clients become rows."""
    ids = answered(system, count)
    assert len(ids) == count
    until(lambda: ids <= set(rows(system)), what="rows")


def kill_publishing(system: System) -> int:
    """Kills it, and gives the process that publishes instead."""
    killed = until(lambda: publishing(system), what="a publisher")
    os.kill(killed, signal.SIGKILL)
    return until(lambda: {0, killed}.isdisjoint({publishing(system)}) and publishing(system), seconds=5, what="another")


def assert_stops_cleanly(system: System, name: str) -> None:
    family = system.family(name)
    system.kill(name, signal.SIGTERM)
    psutil.wait_procs(family, timeout=10)
    assert not [process for process in family if process.is_running()]
    assert "Traceback" not in system.log_of(name)
    assert publishing(system) not in {process.pid for process in family}


def pids(system: System, name: str) -> set[int]:
    return {process.pid for process in system.family(name)}


def test_under_granian_with_two_workers(system: System) -> None:
    start(system, "web")
    assert_recorded(system)
    assert kill_publishing(system) in pids(system, "web")
    assert_recorded(system)
    assert_stops_cleanly(system, "web")


def test_under_gunicorn_with_three_workers(system: System) -> None:
    start(system, "web", bound(system))
    assert_recorded(system)
    assert kill_publishing(system) in pids(system, "web")
    assert_recorded(system)
    assert_stops_cleanly(system, "web")


def test_under_gunicorn_that_forks_after_loading(system: System) -> None:
    start(system, "web", bound(system, "--preload"))
    assert_recorded(system)
    assert_stops_cleanly(system, "web")
    start(system, "web")
    family = until(lambda: len(found := system.family("web")) == 4 and found, what="the workers") or []
    try:
        until(lambda: publishing(system), what="a publisher")
        if publishing(system) != family[-1].pid:  # a worker was quicker than the main process
            assert kill_publishing(system)
        assert kill_publishing(system) in {process.pid for process in [*family, *_started(family)]}
    finally:
        for process in [*_started(family), *family]:
            if process.is_running():
                process.kill()
        system.kill("web")


def _started(family: list[psutil.Process]) -> list[psutil.Process]:
    return [child for process in family if process.is_running() for child in process.children(recursive=True)]


def test_under_runserver_that_reloads(system: System, tmp_path: Path) -> None:
    module = tmp_path / "sitecustomize.py"
    module.write_text("version = 1\n")
    system.environment["PYTHONPATH"] = str(tmp_path)
    address = system.url.removeprefix("http://")
    start(system, "web", [sys.executable, "manage.py", "runserver", address])
    del system.environment["PYTHONPATH"]
    assert_recorded(system)
    before = publishing(system)
    module.write_text("version = 22\n")
    until(lambda: publishing(system) not in {0, before}, what="another process' publisher")
    until(lambda: answered(system, 1), what="runserver again")
    assert_recorded(system)
    assert_stops_cleanly(system, "web")


def test_beside_a_publisher_of_its_own(system: System) -> None:
    start(system, "publish", [sys.executable, "manage.py", "publish"])
    until(lambda: publishing(system) == system.processes["publish"].pid, what="manage.py publish")
    start(system, "web", bound(system))
    assert_recorded(system)
    assert publishing(system) == system.processes["publish"].pid
    assert_stops_cleanly(system, "publish")
    assert until(lambda: publishing(system), what="another") in pids(system, "web")
    assert_recorded(system)
    assert_stops_cleanly(system, "web")
    assert publishing(system) == 0
    assert "each in its place and as it was written" in system.manage("verify_log")
