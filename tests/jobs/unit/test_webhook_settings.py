"""Webhook settings at start: nothing is required until a host is listed."""

from pathlib import Path

import pytest

from jobs.webhooks.signing import new_secret, read_secret
from tests.support.settings_process import SERVER, run_with_settings

SHOWN = "from backend import settings as s; print(s.CALLBACK_HOSTS, s.CALLBACK_SECRETS, s.CALLBACK_ALLOW_PRIVATE)"


def shown(folder: Path, **variables: str) -> str:
    """Returns the settings that result from the variables."""
    return run_with_settings(folder, SHOWN, **variables).stdout


def test_webhooks_are_off_by_default(tmp_path: Path) -> None:
    assert shown(tmp_path, **SERVER) == "[] [] False\n"
    assert shown(tmp_path, DEBUG="1") == "[] [] False\n"
    assert not (tmp_path / "callback_secret").exists()


def test_it_accepts_hosts_and_secrets(tmp_path: Path) -> None:
    one, two = new_secret(), new_secret()
    hosts = "a.example, *.b.example:8443"
    found = shown(tmp_path, **SERVER, CALLBACK_HOSTS=hosts, CALLBACK_SECRET=f"{one},{two}", CALLBACK_ALLOW_PRIVATE="1")
    assert found == f"['a.example', '*.b.example:8443'] ['{one}', '{two}'] True\n"


@pytest.mark.parametrize(
    ("name", "given", "wrong"),
    [
        ("CALLBACK_SECRET", "", "is not set"),
        ("CALLBACK_SECRET", "whsec_c2hvcnQ=", "can't be read"),
        ("CALLBACK_SECRET", f"whsec_{'A' * 32},other", "can't be read"),
        ("CALLBACK_HOSTS", "a.example/path", "can't hold 'a.example/path'"),
        ("CALLBACK_TOTAL_SECONDS", "11", "can't be '11'"),
    ],
)
def test_it_refuses_invalid_values_with_one_line(tmp_path: Path, name: str, given: str, wrong: str) -> None:
    callbacks = {"CALLBACK_HOSTS": "a.example", "CALLBACK_SECRET": new_secret()}
    done = run_with_settings(tmp_path, **SERVER | callbacks | {name: given})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"ml-proxy: {name} {wrong}")
    assert "whsec_c2h" not in line
    assert callbacks["CALLBACK_SECRET"] not in line


def test_it_generates_a_secret_on_a_developer_s_machine(tmp_path: Path) -> None:
    first = shown(tmp_path, DEBUG="1", CALLBACK_HOSTS="http://127.0.0.1:9999")
    kept = tmp_path / "callback_secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(read_secret(kept.read_text())) == 32
    assert kept.read_text() in first
    assert shown(tmp_path, DEBUG="1", CALLBACK_HOSTS="http://127.0.0.1:9999") == first
