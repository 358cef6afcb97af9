"""Where the installer gets packages from, and what it does without uv."""

import os
from pathlib import Path

import pytest

from tests.tools.unit.launch.package_index import PASSWORD, package_index
from tests.tools.unit.launch.project import Project, make_uv_wheel, sha256


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, make_uv_wheel(tmp_path))


def test_uv_uses_the_index_that_pip_is_configured_for(project: Project) -> None:
    """A company's index with a password, which is in pip's configuration alone and stays out of command lines."""
    project.write_lock("base", f"tiny==1 --hash=sha256:{sha256(project.wheels / 'tiny-1-py3-none-any.whl')}")
    with package_index(project.wheels) as index:
        configuration = project.home / "pip.conf"
        configuration.write_text(f"[global]\nindex-url = {index.url}/simple\n")
        configured = {**project.environment, "PIP_CONFIG_FILE": str(configuration)}
        said = project.install(configured)
        locked = project.compile(configured)
    assert project.installed() == "1"
    assert index.agents
    assert {agent.partition("/")[0] for agent in index.agents} == {"uv"}
    assert locked.startswith("tiny==1 ")
    assert index.betrayals == []
    assert PASSWORD not in "\n".join(said)
    assert not any(PASSWORD in path.read_text(errors="replace") for path in made_files(project))


def made_files(project: Project) -> list[Path]:
    """What the installer itself wrote."""
    venv = project.folder / ".venv"
    return [project.folder / ".env", *(path for path in venv.iterdir() if path.is_file())]


def test_pip_installs_where_uv_can_not_be_had(tmp_path: Path) -> None:
    project = Project(tmp_path, None)
    said = "\n".join(project.install())
    assert "uv can't be installed here: pip ended with status 1" in said
    assert "installing up to 1 packages with pip, which takes a minute or more" in said
    assert project.installed() == "1"
    assert project.install() == []


def test_pip_installs_where_uv_fails(project: Project) -> None:
    said = "\n".join(project.install({**project.environment, "UV_FIND_LINKS": os.fspath(project.home / "missing")}))
    assert "uv could not install them: it ended with status 2" in said
    assert project.installed() == "1"
