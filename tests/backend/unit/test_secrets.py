"""Keys at start: required on a server, generated on a developer's machine."""

from pathlib import Path

import pytest

from tests.support.settings_process import SERVER, run_with_settings


def test_it_stores_no_keys_from_the_environment(tmp_path: Path) -> None:
    assert run_with_settings(tmp_path, **SERVER).returncode == 0
    assert not list(tmp_path.glob("*_key"))


@pytest.mark.parametrize("name", ["SECRET_KEY", "SEAL_KEY"])
@pytest.mark.parametrize("given", ["", "too short"])
def test_it_refuses_to_start_a_server_without_a_key(tmp_path: Path, name: str, given: str) -> None:
    done = run_with_settings(tmp_path, **SERVER | {name: given})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"ml-proxy: {name} ")
    assert not list(tmp_path.glob("*_key"))


def test_generated_keys_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    assert run_with_settings(tmp_path, DEBUG="1").returncode == 0
    kept = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("*_key")}
    assert kept == {"secret_key": 0o600, "seal_key": 0o600}
    before = {path: path.read_text() for path in tmp_path.glob("*_key")}
    assert run_with_settings(tmp_path, DEBUG="1").returncode == 0
    assert {path: path.read_text() for path in tmp_path.glob("*_key")} == before
