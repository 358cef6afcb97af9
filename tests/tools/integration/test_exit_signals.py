"""A signal ends a tool with the servers that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.system import ROOT
from tests.support.wait import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_attack_that_is_ended_leaves_no_server(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tools.attack_sql", "--dialects", "postgres", "--walls", "database"]
    attack = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    try:
        servers = until(lambda: _servers(attack.pid), what="the attack's PostgreSQL")
        attack.send_signal(number)
        assert attack.wait(timeout=60) == 128 + number
        assert [each for each in servers if each.is_running()] == []
    finally:
        for each in _servers(attack.pid):
            each.kill()
        attack.kill()


def _servers(pid: int) -> list[psutil.Process]:
    if not psutil.pid_exists(pid):
        return []
    return [each for each in psutil.Process(pid).children(recursive=True) if each.name() == "postgres"]
