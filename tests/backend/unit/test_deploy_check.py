"""`manage.py check --deploy` has nothing to say in production, and does say when a protection is gone."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from pytest_django import Settings

from common.security_checks import check_middleware
from tests.support.settings_process import SERVER
from tests.support.system import ROOT

KEYS = {"SECRET_KEY": "0123456789abcdef" * 4, "SEAL_KEY": "fedcba9876543210" * 4}


def check_deploy(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env={"VAR_DIR": str(folder), "METRICS_DIR": str(folder / "metrics"), **SERVER, **KEYS, **variables},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("trust_proxy", ["0", "1"])
def test_production_settings_pass(tmp_path: Path, trust_proxy: str) -> None:
    done = check_deploy(tmp_path, TRUST_PROXY=trust_proxy)
    assert (done.returncode, done.stderr) == (0, "")


def test_ones_own_machine_does_not_pass(tmp_path: Path) -> None:
    done = check_deploy(tmp_path, DEBUG="1")
    assert done.returncode == 1
    assert "security.W018" in done.stderr  # DEBUG
    assert "ml_proxy.W001" in done.stderr


def found(settings: Settings) -> list[str]:
    return [f"{message.id} {message.msg}" for message in check_middleware() if message.level >= checks.ERROR]


def test_it_names_a_protection_that_is_gone(settings: Settings) -> None:
    assert found(settings) == []
    every = list(settings.MIDDLEWARE)
    for name, kind in {
        "common.browser_middleware.SecurityHeadersMiddleware": "SecurityHeadersMiddleware",
        "common.origin_middleware.OriginMiddleware": "OriginMiddleware",
        "common.browser_middleware.CsrfMiddleware": "CsrfViewMiddleware",
    }.items():
        settings.MIDDLEWARE = [each for each in every if each != name]
        assert found(settings) == [f"ml_proxy.E002 MIDDLEWARE has no {kind}."]
