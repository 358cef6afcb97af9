"""Keys at start: asked for on a server, made and kept to oneself on one's own machine."""

from pathlib import Path

import pytest

from tests.support.starting import SERVER, start


def test_it_starts_with_its_keys_and_keeps_none_of_them(tmp_path: Path) -> None:
    assert start(tmp_path, **SERVER).returncode == 0
    assert not list(tmp_path.glob("*_key"))


@pytest.mark.parametrize("name", ["SECRET_KEY", "SEAL_KEY"])
@pytest.mark.parametrize("given", ["", "too short"])
def test_it_refuses_to_start_a_server_without_a_key(tmp_path: Path, name: str, given: str) -> None:
    done = start(tmp_path, **SERVER | {name: given})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"ml-proxy: {name} ")
    assert not list(tmp_path.glob("*_key"))


def test_the_keys_that_it_makes_are_nobody_elses(tmp_path: Path) -> None:
    assert start(tmp_path, DEBUG="1").returncode == 0
    kept = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("*_key")}
    assert kept == {"secret_key": 0o600, "seal_key": 0o600}
    before = {path: path.read_text() for path in tmp_path.glob("*_key")}
    assert start(tmp_path, DEBUG="1").returncode == 0
    assert {path: path.read_text() for path in tmp_path.glob("*_key")} == before
