"""A signal ends a tool with the servers that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.held_signals import held_signals
from tests.support.mariadb import MariaDB
from tests.support.system import ROOT
from tests.support.wait import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_attack_that_is_ended_leaves_no_server_and_no_files(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tools.attack_sql", "--dialects", "postgres", "--walls", "database"]
    attack = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    try:
        servers = until(lambda: _servers(attack.pid), what="the attack's PostgreSQL")
        attack.send_signal(number)
        assert attack.wait(timeout=60) == 128 + number
        assert [each for each in servers if each.is_running()] == []
        assert list(tmp_path.glob("attack-sql-*")) == []
    finally:
        for each in _servers(attack.pid):
            each.kill()
        attack.kill()


def test_a_tool_goes_on_without_its_terminal_if_it_should() -> None:
    script = "from tools.exit_signals import exit_on_signals; exit_on_signals(); print(flush=True); input()"
    tool = subprocess.Popen(
        ["nohup", sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert tool.stdout is not None
    assert tool.stdout.readline()
    tool.send_signal(signal.SIGHUP)
    tool.communicate(b"\n", timeout=60)
    assert tool.returncode == 0


def test_a_signal_waits_for_the_end_of_a_block() -> None:
    ended: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        _be_interrupted(ended)
    assert ended
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_mariadb_that_is_interrupted_while_it_starts_is_stopped(tmp_path: Path) -> None:
    class Interrupted(MariaDB):
        def _answers(self) -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted(tmp_path / "mariadb")
    assert [each for each in psutil.Process().children() if str(tmp_path) in " ".join(each.cmdline())] == []


def _be_interrupted(ended: list[bool]) -> None:
    with held_signals():
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        ended.append(True)


def _servers(pid: int) -> list[psutil.Process]:
    if not psutil.pid_exists(pid):
        return []
    return [each for each in psutil.Process(pid).children(recursive=True) if each.name() == "postgres"]
