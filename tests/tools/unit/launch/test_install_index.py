"""The package index of the installer, and installation without uv."""

import os
from pathlib import Path

import pytest

from tests.tools.unit.launch.package_index import PASSWORD, package_index
from tests.tools.unit.launch.project import Project, make_uv_wheel, sha256


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, make_uv_wheel(tmp_path))


def test_uv_uses_the_index_that_pip_is_configured_for(project: Project) -> None:
    """A company's index with a password, which is only in pip's configuration and does not appear in command lines."""
    project.write_lock("base", f"tiny==1 --hash=sha256:{sha256(project.wheels / 'tiny-1-py3-none-any.whl')}")
    with package_index(project.wheels) as index:
        configuration = project.home / "pip.conf"
        configuration.write_text(f"[global]\nindex-url = {index.url}/simple\n")
        configured = {**project.environment, "PIP_CONFIG_FILE": str(configuration)}
        output = project.install(configured)
        locked = project.compile(configured)
    assert project.installed() == "1"
    assert index.agents
    assert {agent.partition("/")[0] for agent in index.agents} == {"uv"}
    assert locked.startswith("tiny==1 ")
    assert index.leaks == []
    assert PASSWORD not in "\n".join(output)
    assert not any(PASSWORD in path.read_text(errors="replace") for path in made_files(project))


def made_files(project: Project) -> list[Path]:
    """Returns the lines of the installer itself."""
    venv = project.folder / ".venv"
    return [project.folder / ".env", *(path for path in venv.iterdir() if path.is_file())]


def test_pip_installs_if_uv_is_not_available(tmp_path: Path) -> None:
    project = Project(tmp_path, None)
    output = "\n".join(project.install())
    assert "uv can't be installed here: pip failed with status 1" in output
    assert "installing up to 1 packages with pip, which takes a minute or more" in output
    assert project.installed() == "1"
    assert project.install() == []


def test_pip_installs_if_uv_fails(project: Project) -> None:
    output = "\n".join(project.install({**project.environment, "UV_FIND_LINKS": os.fspath(project.home / "missing")}))
    assert "uv failed with status 2" in output
    assert project.installed() == "1"
