"""The files that the hosting service and a contributor's tools read."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.system import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job["steps"]]


def test_ci_runs_what_a_contributor_runs() -> None:
    commands = [step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step]
    assert commands == [".ci/run"]
    assert re.findall(r"^make \w+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE) == ["make check", "make test"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_pins_its_actions(path: Path) -> None:
    assert load(path)["permissions"] == {"contents": "read"}
    assert all(re.fullmatch(r"[\w./-]+@v\d+", step["uses"]) for step in steps(path) if "uses" in step)


def test_each_hook_is_a_locked_tool() -> None:
    """Hooks download nothing: each runs a program that `make dev` installs."""
    [repository] = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert (ROOT / hook["entry"].split()[0]).is_file()


def test_the_type_checker_reads_every_package() -> None:
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= set(files)
    assert all((ROOT / name).is_dir() for name in files)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_can_be_filled_in(path: Path) -> None:
    form = load(path)
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)


def test_the_licence_is_named_where_tools_look() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT"
    assert all((ROOT / name).read_text().startswith("MIT License") for name in project["license-files"])


def test_the_changelog_names_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["Unreleased", version]


def test_the_page_on_security_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    named = set(re.findall(r"`(tests/[^`]+)`", page))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    rows = re.findall(r"^\| .+ \|$", page, re.MULTILINE)[1:]
    assert [row for row in rows if "tests/" not in row and "the same" not in row] == []
