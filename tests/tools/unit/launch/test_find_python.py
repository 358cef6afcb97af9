"""The choice of Python, with a PATH of fake interpreters."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.system import ROOT

SCRIPT = ROOT / "scripts" / "find-python"


class Machine:
    """A PATH with interpreters that claim a version; each runs the real one with patched modules."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str, version: tuple[int, int], *, without: str = "") -> str:
        path = self.folder / name
        patch = f"import sys; sys.version_info = {version}; sys.modules.update(dict.fromkeys({without.split()}))"
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{patch}\n$2"\n')
        path.chmod(0o755)
        return str(path)

    def find(self, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.folder), **variables}
        return subprocess.run(["/bin/sh", SCRIPT], env=environment, capture_output=True, text=True, check=False)

    def found(self, **variables: str) -> str:
        return self.find(**variables).stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_takes_python3_where_that_is_right(machine: Machine) -> None:
    machine.has("python3", (3, 11))
    machine.has("python3.12", (3, 12))
    assert machine.found() == "python3"


def test_it_takes_an_older_one_that_has_an_embedded_redis(machine: Machine) -> None:
    machine.has("python3", (3, 13))
    machine.has("python3.11", (3, 11))
    assert machine.found() == "python3.11"


def test_it_takes_a_newer_one_where_there_is_no_other(machine: Machine) -> None:
    machine.has("python3", (3, 14))
    assert machine.found() == "python3"


def test_it_passes_over_one_that_does_not_run(machine: Machine) -> None:
    machine.has("python3", (3, 13))
    shim = machine.folder / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    machine.has("python3.11", (3, 11))
    assert machine.found() == "python3.11"


def test_it_passes_over_one_that_is_too_old_or_makes_no_environments(machine: Machine) -> None:
    machine.has("python3", (3, 9))
    machine.has("python3.12", (3, 12), without="ensurepip")
    machine.has("python3.11", (3, 11))
    assert machine.found() == "python3.11"


def test_it_uses_the_python_variable(machine: Machine) -> None:
    machine.has("python3", (3, 11))
    other = machine.has("other", (3, 13))
    assert machine.found(PYTHON=other) == other


def test_it_says_what_is_missing(machine: Machine) -> None:
    machine.has("python3", (3, 12), without="ensurepip")
    result = machine.find()
    assert result.returncode == 1
    assert result.stderr.startswith("ml-proxy: python3 can't make virtual environments: install its venv package")
    assert result.stderr.count("\n") == 1


def test_it_says_that_there_is_none(machine: Machine) -> None:
    machine.has("python3", (3, 10))
    result = machine.find()
    assert result.returncode == 1
    assert result.stderr.startswith("ml-proxy: no Python 3.11 or newer was found: install python3.12, or set PYTHON")
    assert result.stderr.count("\n") == 1


def test_it_reports_an_unusable_python_variable(machine: Machine) -> None:
    result = machine.find(PYTHON=machine.has("other", (3, 10)))
    assert result.returncode == 1
    assert "PYTHON can't be" in result.stderr
