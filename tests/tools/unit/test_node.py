"""`tools.node`: finds a Node.js that is new enough, else the wheel's, whose npm works."""

import subprocess
from pathlib import Path

import pytest

from tools import node


def program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("version", [(20, 19, 0), (20, 20, 2), (22, 12, 0), (24, 1, 0)])
def test_it_takes_versions_that_vite_runs_on(version: tuple[int, ...]) -> None:
    assert node.is_fit(version)


@pytest.mark.parametrize("version", [(), (18, 20, 0), (20, 18, 9), (21, 7, 0), (22, 11, 9)])
def test_it_takes_no_other(version: tuple[int, ...]) -> None:
    assert not node.is_fit(version)


def test_it_takes_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "node", "v24.1.0")
    program(tmp_path, "npm", "11.0.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert node.folder() == tmp_path


def test_it_takes_the_wheel_if_the_path_has_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "node", "v18.20.0")
    program(tmp_path, "npm", "9.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node.folder() == node.SHIMS
    for name in ("node", "npm", "npx"):
        done = subprocess.run([name, "--version"], env=node.environment(), capture_output=True, text=True, check=True)
        assert done.stdout.strip().lstrip("v")[0].isdigit()
