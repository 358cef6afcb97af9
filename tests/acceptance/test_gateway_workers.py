"""The gateway's main process, when one of its workers dies."""

import sys
from collections.abc import Callable

import psutil
import pytest

from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database
NO_FORK = """
import runpy
from granian.server.mp import MPServer

def refuse(*args, **kwargs):
    raise OSError(12, "Cannot allocate memory")

MPServer._respawn_workers = refuse
runpy.run_module("tools.launch.web", run_name="__main__")
"""


def test_it_ends_if_it_cannot_replace_a_worker(make_system: Callable[..., System], model: ScriptedModel) -> None:
    """Then the process supervisor starts it again. It must not go on with fewer workers, deaf to signals."""
    system = make_system(ml_server_url=model.url, GATEWAY_WORKERS="2")
    system.commands["web"] = [sys.executable, "-c", NO_FORK]
    system.start("web")
    workers = system.family("web")[:-1]
    max(workers, key=psutil.Process.create_time).kill()
    assert system.processes["web"].wait(60) == 1
    until(lambda: not any(worker.is_running() for worker in workers), what="the other worker's end")
    assert "main process failed" in system.log_of("web")
