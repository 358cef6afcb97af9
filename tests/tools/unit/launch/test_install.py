"""Installing, in a project of its own with one small package."""

import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.helpers.processes import bare_environment, running
from tests.support.system import ROOT
from tests.support.waiting import until

COMMAND = (sys.executable, "-m", "tools.launch.install", "base")
INSTALL_SECONDS = 60


class Project:
    """Just what the installer reads, and a lock that names one wheel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "tools" / "launch", folder / "tools" / "launch")
        shutil.copy(ROOT / "tools" / "__init__.py", folder / "tools" / "__init__.py")
        (folder / "common").mkdir()
        for name in ("__init__.py", "parent_death.py"):
            shutil.copy(ROOT / "common" / name, folder / "common" / name)
        (folder / "requirements").mkdir()
        self.lock("1")

    def lock(self, version: str) -> None:
        wheel = make_wheel(self.folder, version)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.folder / "requirements" / "base.txt").write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n")

    def install(self) -> list[str]:
        """What the installer printed."""
        with running(COMMAND, bare_environment(), cwd=self.folder) as program:
            assert program.status(seconds=INSTALL_SECONDS) == 0, program.text
            return program.lines

    def installed(self) -> str:
        """The version that can be imported."""
        code = "from importlib.metadata import version; print(version('tiny'))"
        command = (str(self.folder / ".venv/bin/python"), "-c", code)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def make_wheel(folder: Path, version: str) -> Path:
    path = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("project"))
    assert made.install() == ["making .venv", "installing 1 packages into .venv, about a minute"]
    return made


def test_it_installs_what_the_lock_names(project: Project) -> None:
    assert project.installed() == "1"


def test_it_makes_settings_for_one_s_own_machine(project: Project) -> None:
    made = project.folder / ".env"
    assert made.read_text().endswith("\nDEBUG=1\n")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_it_leaves_settings_that_are_there(project: Project) -> None:
    (project.folder / ".env").write_text("DEBUG=0\n")
    project.install()
    assert (project.folder / ".env").read_text() == "DEBUG=0\n"


def test_it_does_nothing_when_all_is_there(project: Project) -> None:
    assert project.install() == []


def test_it_follows_a_changed_lock(project: Project) -> None:
    project.lock("2")
    assert project.install() == ["installing 1 packages into .venv, about a minute"]
    assert project.installed() == "2"


def test_it_waits_for_another_one(project: Project) -> None:
    folder = os.open(project.folder / "requirements", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with running(COMMAND, bare_environment(), cwd=project.folder) as program:
        program.line("waiting for another installation to end")
        os.close(folder)
        assert program.status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_begins_anew_after_an_interruption(number: signal.Signals, project: Project) -> None:
    project.lock(f"3.{number}")
    with running(COMMAND, bare_environment(), cwd=project.folder) as program:
        program.line("installing")
        until(lambda: len(program.family()) > 1, what="pip")
        program.send(number)
        program.status()
        until(lambda: not program.family(), what="the end of pip")
    assert project.install()[0] == "making .venv"
    assert project.installed() == f"3.{number}"


def test_it_refuses_a_package_that_is_not_the_locked_one(project: Project) -> None:
    """Last: `.venv` would have to be made anew."""
    lock = project.folder / "requirements" / "base.txt"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0"))
    with running(COMMAND, bare_environment(), cwd=project.folder) as program:
        assert program.status(seconds=INSTALL_SECONDS) == 1
        program.line("failed with status 1")
