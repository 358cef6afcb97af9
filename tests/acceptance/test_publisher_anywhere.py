"""One publisher serves a state folder, with any WSGI server and any number of processes."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.acceptance.helpers.recording import answered, rows
from tests.support.model import ScriptedModel
from tests.support.record_pipeline import lock_holder
from tests.support.system import System
from tests.support.wait import DEADLINE_SECONDS, until

pytestmark = pytest.mark.any_database  # the processes share files and locks, not the database

GUNICORN = [".venv/bin/gunicorn", "--workers", "3", "--log-level", "warning", "backend.wsgi"]


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System], shared_model: ScriptedModel) -> System:
    """Everything except a gateway."""
    made = make_shared_system(ml_server_url=shared_model.url, REPUBLISH_SECONDS="1", GATEWAY_WORKERS="2")
    made.start("redis", "worker-logs", "publisher")
    until(lambda: publishing(made), what="a publisher")
    return made


def start(system: System, name: str, command: list[str] | None = None) -> None:
    if command:
        system.commands[name] = command
    system.start(name)


def bound(system: System, *more: str) -> list[str]:
    """Returns the gunicorn command with the system's port."""
    return [*GUNICORN[:-1], "--bind", system.url.removeprefix("http://"), *more, GUNICORN[-1]]


def publishing(system: System) -> int:
    """Returns the id of the active publisher process; 0 if there is none."""
    return lock_holder(system.folder / "journal")


def assert_recorded(system: System, count: int = 30) -> None:
    """Predictions from several clients become rows through the one publisher."""
    ids = answered(system, count)
    assert len(ids) == count
    until(lambda: ids <= set(rows(system)), what="rows")
    assert publishing(system) == system.processes["publisher"].pid


def origins(system: System) -> set[str]:
    """Returns the origins that now have segments in the journal."""
    return {path.name.partition("-")[0] for path in (system.folder / "journal").glob("*.segment")}


def assert_every_process_is_served(system: System, count: int) -> None:
    """Each server process has its own origin, whose records become rows."""

    def have_all_recorded() -> bool:
        assert_recorded(system)  # the kernel chooses the process
        return len(origins(system)) >= count

    until(have_all_recorded, what=f"{count} origins")


def assert_stops_cleanly(system: System, name: str) -> None:
    family = system.family(name)
    system.kill(name, signal.SIGTERM)
    psutil.wait_procs(family, timeout=DEADLINE_SECONDS)
    assert not [process for process in family if process.is_running()]
    assert "Traceback" not in system.log_of(name)


def assert_nothing_is_left(system: System) -> None:
    """After the server has stopped, its segments are deleted without another record."""
    until(lambda: not origins(system), what="an empty journal")


def test_under_granian_with_two_workers(system: System) -> None:
    start(system, "web")
    assert_every_process_is_served(system, 2)
    assert_stops_cleanly(system, "web")
    assert_nothing_is_left(system)


@pytest.mark.parametrize("more", [(), ("--preload",)], ids=["loading in each", "forking after loading"])
def test_under_gunicorn_with_three_workers(system: System, more: tuple[str, ...]) -> None:
    start(system, "web", bound(system, *more))
    assert_every_process_is_served(system, 3)
    workers = system.family("web")[:-1]
    assert [process.num_threads() for process in workers] == [2, 2, 2], "one for requests, one for the journal"
    assert_stops_cleanly(system, "web")
    assert_nothing_is_left(system)


def test_under_runserver_that_reloads(system: System, tmp_path: Path) -> None:
    module = tmp_path / "sitecustomize.py"
    module.write_text("version = 1\n")
    system.environment["PYTHONPATH"] = str(tmp_path)
    address = system.url.removeprefix("http://")
    start(system, "web", [sys.executable, "manage.py", "runserver", address])
    del system.environment["PYTHONPATH"]
    assert_recorded(system)
    before = {process.pid for process in system.family("web")}
    module.write_text("version = 22\n")
    until(lambda: {process.pid for process in system.family("web")} - before, what="another process")
    until(lambda: answered(system, 1), what="runserver again")
    assert_recorded(system)
    assert_stops_cleanly(system, "web")
    assert_nothing_is_left(system)


def test_with_a_second_one_that_takes_over(system: System) -> None:
    start(system, "second", [sys.executable, "manage.py", "publish"])
    start(system, "web", bound(system))
    assert_recorded(system)
    until(lambda: "waits for the lock" in system.log_of("second"), what="the second one")
    os.kill(publishing(system), signal.SIGKILL)
    until(lambda: publishing(system) == system.processes["second"].pid, what="the second one")
    system.processes.pop("publisher").wait(20)
    system.processes["publisher"] = system.processes.pop("second")
    assert_recorded(system)
    assert_stops_cleanly(system, "web")
    assert_nothing_is_left(system)
    process = system.processes["publisher"]
    system.kill("publisher", signal.SIGTERM)
    assert process.returncode == 0
    assert publishing(system) == 0
    assert "all in place and unchanged" in system.manage("verify_log")
