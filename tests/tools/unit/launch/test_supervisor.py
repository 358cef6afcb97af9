"""The supervisor with small real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from tests.acceptance.helpers.processes import Program, bare_environment, running
from tests.support.wait import until
from tools.launch.signals import SAME_KEYSTROKE_SECONDS

STAYS = "import signal, sys; print('up', flush=True); signal.sigwait({signal.SIGUSR1})"
IGNORES_SIGTERM = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); "
SAYS_GOODBYE = IGNORES_SIGTERM + "print('up', flush=True); signal.sigwait({signal.SIGTERM}); print('bye')"
IS_STUBBORN = IGNORES_SIGTERM + STAYS
IS_SLOW = IGNORES_SIGTERM + "import time; print('up'); signal.sigwait({signal.SIGTERM}); time.sleep(1); print('bye')"
HAS_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STAYS!r}]); {STAYS}"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def supervised(
    parts: Mapping[str, str],
    *,
    beside: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
    stages: Sequence[Mapping[str, float]] = (),
) -> AbstractContextManager[Program]:
    plan = {
        "parts": {name: python(code) for name, code in parts.items()},
        "beside": {name: python(code) for name, code in (beside or {}).items()},
        "before": {name: python(code) for name, code in (before or {}).items()},
        "stages": stages,
    }
    return running([sys.executable, "-m", "tests.tools.unit.launch.driver", json.dumps(plan)], bare_environment())


def child(program: Program, code: str) -> psutil.Process:
    def matches() -> list[psutil.Process]:
        return [each for each in program.family() if each.cmdline()[-1:] == [code]]

    return until(matches)[0]


@pytest.fixture
def one() -> Iterator[Program]:
    with supervised({"one": SAYS_GOODBYE}) as program:
        program.line("one         | up")
        program.line("ready")
        yield program


def test_it_prefixes_lines_with_the_name_of_the_process() -> None:
    prints = "print('a'); print('b', end='')"
    with supervised({"one": STAYS}, before={"step": prints}) as program:
        program.line("ready")
        assert [line for line in program.lines if line.startswith("step")] == ["step        | a", "step        | b"]


def test_what_runs_beside_is_not_waited_for_and_not_started_again() -> None:
    beside = {"stays": SAYS_GOODBYE, "fails": "import sys; print('no network'); sys.exit(1)"}
    with supervised({"one": SAYS_GOODBYE}, beside=beside) as program:
        program.line("ready")
        program.line("fails       | no network")
        program.line("stays       | up")
        program.send(signal.SIGTERM)
        assert program.status() == 0
        assert program.family() == []
        assert program.lines.count("fails       | no network") == 1
        assert not [line for line in program.lines if "starts again" in line]


IS_UNDER_NOHUP = pytest.mark.skipif(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, reason="runs under nohup")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, pytest.param(signal.SIGHUP, marks=IS_UNDER_NOHUP)])
def test_it_stops_on_a_signal_with_status_0(one: Program, number: signal.Signals) -> None:
    one.send(number)
    assert one.status() == 0
    assert one.lines[-2:] == ["up          | stopping one", "one         | bye"]
    assert one.family() == []


def test_it_starts_again_what_was_killed(one: Program) -> None:
    first = child(one, SAYS_GOODBYE)
    first.kill()
    one.line("up          | one ended (SIGKILL) and starts again in 0.5 s")
    until(lambda: one.lines.count("one         | up") == 2)
    assert child(one, SAYS_GOODBYE).pid != first.pid


def test_it_stops_while_something_waits_to_start_again(one: Program) -> None:
    child(one, SAYS_GOODBYE).kill()
    one.line("starts again")
    one.send(signal.SIGTERM)
    assert one.status() == 0
    assert one.family() == []


def test_it_stops_stage_after_stage() -> None:
    names = ("one", "two", "three")
    stages = [{"two": 5.0}, {"three": 5.0, "one": 5.0}]
    with supervised(dict.fromkeys(names, SAYS_GOODBYE), stages=stages) as program:
        until(lambda: all(f"{name:<11} | up" in program.lines for name in names))
        program.send(signal.SIGTERM)
        assert program.status() == 0
        stopping = [line for line in program.lines if "stopping" in line or "bye" in line]
        assert stopping[:3] == ["up          | stopping two", "two         | bye", "up          | stopping three, one"]


def test_it_kills_what_does_not_stop_in_its_time() -> None:
    with supervised({"one": IS_STUBBORN}, stages=[{"one": 0.3}]) as program:
        program.line("one         | up")
        program.send(signal.SIGTERM)
        assert program.status() == 0
        assert "up          | one is killed: it did not stop in time" in program.lines


def test_a_second_ctrl_c_kills() -> None:
    with supervised({"one": IS_STUBBORN}, stages=[{"one": 60.0}]) as program:
        program.line("one         | up")
        program.send(signal.SIGINT)
        program.line("stopping one")
        pressed = time.monotonic()
        until(lambda: time.monotonic() > pressed + SAME_KEYSTROKE_SECONDS)
        program.send(signal.SIGINT)
        assert program.status() == 0
        assert program.family() == []


def test_a_second_sigterm_does_not_kill() -> None:
    with supervised({"one": IS_SLOW}, stages=[{"one": 10.0}]) as program:
        program.line("one         | up")
        program.send(signal.SIGTERM)
        program.line("stopping one")
        program.send(signal.SIGTERM)
        assert program.status() == 0
        assert program.lines[-1] == "one         | bye"


def test_it_leaves_no_grandchild_behind_when_it_stops() -> None:
    with supervised({"one": HAS_A_CHILD}) as program:
        until(lambda: program.lines.count("one         | up") == 2)
        program.send(signal.SIGTERM)
        assert program.status() == 0
        assert program.family() == []


def test_it_ends_the_children_of_what_was_killed_before_it_starts_that_again() -> None:
    with supervised({"one": HAS_A_CHILD}) as program:
        grandchild = child(program, STAYS)
        child(program, HAS_A_CHILD).kill()
        program.line("starts again")
        until(lambda: not grandchild.is_running())


def test_its_processes_end_when_it_is_killed(one: Program) -> None:
    one.send(signal.SIGKILL)
    one.status()
    until(lambda: not one.family())


def test_it_gives_up_on_what_never_starts() -> None:
    fails = "import sys; sys.exit('no such thing')"
    with supervised({"one": fails, "two": STAYS}, before={"step": STAYS}) as program:
        assert program.status() == 1
        assert "one ended 3 times (status 1); it printed last:\n  no such thing" in program.text
        assert program.family() == []


def test_it_gives_up_when_a_step_fails() -> None:
    with supervised({"one": STAYS}, before={"step": "import sys; sys.exit('no room')"}) as program:
        assert program.status() == 1
        assert "step failed (status 1); it printed last:\n  no room" in program.text
        assert program.family() == []


def test_it_stops_in_the_middle_of_a_step() -> None:
    with supervised({}, before={"step": STAYS}) as program:
        program.line("step        | up")
        program.send(signal.SIGTERM)
        assert program.status() == 0
        assert program.family() == []


def test_it_says_which_command_is_not_there() -> None:
    plan = json.dumps({"parts": {"one": ["/no/such/command"]}, "before": {}, "stages": []})
    with running([sys.executable, "-m", "tests.tools.unit.launch.driver", plan], bare_environment()) as program:
        assert program.status() == 1
        assert program.text == "one can't be started: /no/such/command: No such file or directory"


def test_it_does_not_block_if_its_output_is_not_read(tmp_path: Path) -> None:
    done = tmp_path / "done"
    prints = f"import pathlib; [print('x' * 99) for _ in range(50_000)]; pathlib.Path({str(done)!r}).touch(); {STAYS}"
    plan = json.dumps({"parts": {"one": python(prints)}, "before": {}, "stages": []})
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "tests.tools.unit.launch.driver", plan]
    with open(reader, "rb"), subprocess.Popen(command, stdout=writer, start_new_session=True) as process:
        os.close(writer)
        until(done.exists)
        process.terminate()
        assert process.wait(60) == 0
