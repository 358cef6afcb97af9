"""A crash writes no memory to a disk: not of a gateway, a worker, the publisher, Redis or the model server."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.support.production import create_clinician, production_settings
from tests.support.system import System
from tests.support.wait import until

PROCESSES = ("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs")
BODY = {"doctor_name": "Dr. Core", "patient_name": "Dump", "features": {}}


@pytest.fixture(autouse=True)
def core_dumps_allowed() -> Iterator[None]:
    """What this process starts may write core dumps of any size, as on a machine that is set up so."""
    before, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (before, most))


def dumps_core(process: subprocess.Popen[bytes], signum: int) -> bool:
    """Ends a child by a signal, and returns whether the kernel wrote a core dump, or piped one to a program."""
    process.send_signal(signum)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signum
    return os.WCOREDUMP(status)


def limit_of(pid: int) -> str:
    [line] = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core")]
    return line.split()[4]


@pytest.mark.any_database
def test_a_crash_leaves_no_core_dump(make_system: Callable[..., System], tmp_path: Path) -> None:
    system = make_system(**production_settings(), ML_SERVER_TOKEN="t" * 32)
    token = create_clinician(system, str(BODY["doctor_name"]))
    system.start(*PROCESSES)
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{system.url}/ml/v1/predict/"
    until(lambda: requests.post(url, json=BODY, headers=headers, timeout=60).status_code != 502, what="the model")
    until(lambda: "logs@" in system.log_of("worker-logs") or system.family("worker-logs")[:-1], what="the pool")
    families = {name: system.family(name) for name in PROCESSES}
    assert len(families["web"]) > 1 < len(families["worker-logs"]), families
    assert {limit_of(process.pid) for family in families.values() for process in family} == {"0"}
    dumped = {name: dumps_core(system.processes[name], signal.SIGSEGV) for name in PROCESSES if name != "redis"}
    assert dumped == dict.fromkeys(dumped, False)
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=tmp_path, stdin=subprocess.PIPE) as other:
        if not dumps_core(other, signal.SIGSEGV):
            pytest.skip("this machine writes no core dump of any process, so only the limits were seen")
