"""schemathesis with all its checks, in front of a real gateway: no 5xx, no answer that the schema does not describe."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.model import ScriptedModel
from tests.support.system import ROOT, System

TOKEN = ["--header", "Authorization: Bearer right"]  # of tests.support.token_settings


def fuzz(system: System, folder: Path, *words: str) -> None:
    """Runs with a fixed seed, so that a failure comes again. In `folder`, because schemathesis leaves files.

    One worker: in threads, Python 3.11.7 fails to parse the sources that Hypothesis reads.
    """
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={ROOT / 'tests' / 'support' / 'schemathesis.toml'}",
        "run",
        str(ROOT / "docs" / "openapi.yaml"),
        f"--url={system.url}",
        "--checks=all",
        "--max-examples=3",
        "--workers=1",
        "--seed=1",
        "--no-color",
        *words,
    ]
    variables = {**system.environment, "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=variables, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"Selected: (\d+)/\1\n\s+Tested: \1\n", done.stdout), done.stdout[-2000:]
    assert "unexpected" not in system.log_of("web")


@pytest.mark.any_database
def test_an_open_gateway_answers_as_its_schema_says(
    make_system: Callable[..., System], model: ScriptedModel, tmp_path: Path
) -> None:
    system = make_system(ml_server_url=model.url, LOG_LEVEL="WARNING")
    system.start("redis", "web")
    fuzz(system, tmp_path, "--phases=coverage,fuzzing")


@pytest.mark.any_database
@pytest.mark.parametrize("words", [[], TOKEN], ids=["without credentials", "with a token"])
def test_a_gateway_that_requires_callers_answers_as_its_schema_says(
    make_system: Callable[..., System], model: ScriptedModel, tmp_path: Path, words: list[str]
) -> None:
    system = make_system(
        ml_server_url=model.url,
        LOG_LEVEL="WARNING",
        API_AUTH="required",
        OPEN_PATHS="none",
        DJANGO_SETTINGS_MODULE="tests.support.token_settings",
    )
    system.start("redis", "web")
    fuzz(system, tmp_path, "--phases=fuzzing", *words)
