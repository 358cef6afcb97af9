"""Installation in a test project with one small package."""

import fcntl
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.helpers.processes import running
from tests.support.wait import until
from tests.tools.unit.launch.package_index import package_index
from tests.tools.unit.launch.project import COMMAND, INSTALL_SECONDS, Project, make_uv_wheel, make_wheel, sha256


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("install")
    made = Project(folder, make_uv_wheel(folder))
    output = made.install()
    assert output[:3] == ["making .venv", "installing uv into .venv", "installing up to 1 packages with uv"]
    assert output[3].startswith("installed in ")
    return made


def test_it_installs_what_the_lock_names(project: Project) -> None:
    assert project.installed() == "1"


def test_it_creates_settings_for_a_developer_s_machine(project: Project) -> None:
    made = project.folder / ".env"
    assert made.read_text().endswith("\nDEBUG=1\n")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_it_leaves_settings_that_are_there(project: Project) -> None:
    (project.folder / ".env").write_text("DEBUG=0\n")
    project.install()
    assert (project.folder / ".env").read_text() == "DEBUG=0\n"


def test_it_does_nothing_when_all_is_there(project: Project) -> None:
    assert project.install() == []


def test_it_uses_an_environment_without_a_made_at_file(project: Project) -> None:
    made_at = project.folder / ".venv/made-at"
    path = made_at.read_text()
    made_at.unlink()
    assert project.install() == []
    made_at.write_text(path)


def test_it_follows_a_changed_lock(project: Project) -> None:
    project.lock("2")
    assert project.install()[0] == "installing up to 1 packages with uv"
    assert project.installed() == "2"


def test_it_removes_a_package_that_left_the_lock(project: Project) -> None:
    scripts = project.folder / ".venv/bin"
    project.lock("2", "other")
    assert project.install()[0] == "installing up to 2 packages with uv"
    assert (scripts / "other").exists()
    project.lock("2")
    project.install()
    assert not (scripts / "other").exists()
    assert (scripts / "pip").exists()
    assert (scripts / "uv").exists()


def test_it_waits_for_another_one(project: Project) -> None:
    folder = os.open(project.folder / "requirements", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with running(COMMAND, project.environment, cwd=project.folder) as program:
        program.line("waiting for another installation to end")
        os.close(folder)
        assert program.status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_starts_again_after_an_interruption(number: signal.Signals, project: Project, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny", "3")
    with package_index(tmp_path) as index:
        index.delivers.clear()
        project.write_lock("base", f"tiny @ {index.url}/files/{wheel.name} --hash=sha256:{sha256(wheel)}")
        with running(COMMAND, project.environment, cwd=project.folder) as program:
            program.line("with uv")
            until(lambda: len(program.family()) > 1, what="uv")
            program.send(number)
            program.status()
            until(lambda: not program.family(), what="the end of uv")
    project.lock(f"3.{number}")
    assert project.install()[0] == "making .venv again: the last installation did not finish"
    assert project.installed() == f"3.{number}"


@pytest.mark.parametrize("is_ours", [True, False])
def test_it_notices_that_the_folder_was_moved(is_ours: bool, project: Project) -> None:
    """Scripts in .venv contain the path at which it was created (row 22 of the field's cases)."""
    if not is_ours:  # another installer made it
        (project.folder / ".venv" / "made-at").unlink()
    before = project.folder
    project.folder = before.with_name(f"{before.name} moved")
    before.rename(project.folder)
    with pytest.raises((FileNotFoundError, subprocess.CalledProcessError)):
        project.installed()
    output = project.install()[0]
    assert output == f"making .venv again: this folder was moved, and .venv was made at {before / '.venv'}"
    assert project.installed()


def test_it_does_not_follow_a_link(project: Project, tmp_path: Path) -> None:
    """It does not empty the target of a linked environment, which others may use."""
    place, kept = project.folder / ".venv", tmp_path / "kept"
    place.rename(kept)
    place.symlink_to(kept)
    assert project.install()[0].startswith("making .venv again: this folder was moved")
    assert not place.is_symlink()
    assert (kept / "bin" / "tiny").exists()


def test_it_refuses_a_package_that_is_not_the_locked_one(project: Project) -> None:
    """This is the last test, because `.venv` is unusable afterwards."""
    lock = project.folder / "requirements" / "base.txt"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0"))
    with running(COMMAND, project.environment, cwd=project.folder) as program:
        assert program.status(seconds=INSTALL_SECONDS) == 1
        program.line("failed with status")
