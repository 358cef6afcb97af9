"""Settings of the language model: a bad one stops the start with one line, which shows no key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
URL, KEY = "http://127.0.0.1:8080/v1", "sk-synthetic-0123456789"
SHOWN = """
import sys
from backend.env import BadSetting
try:
    from backend.settings import text_to_sql as s
except BadSetting as exc:
    sys.exit(str(exc))
print(s.LLM_BASE_URL, s.LLM_MODEL, s.LLM_PRICE_IN, s.LLM_SMALL_MODEL, s.LLM_SHOW_VALUES)
"""


def start(tmp_path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LLM_")}
    environment = {**inherited, "DEBUG": "1", "VAR_DIR": str(tmp_path), **variables}
    return subprocess.run(
        [sys.executable, "-c", SHOWN], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_without_settings_there_is_no_model(tmp_path: Path) -> None:
    assert start(tmp_path).stdout.split() == ["0", "False", "True"]


def test_a_model(tmp_path: Path) -> None:
    done = start(tmp_path, LLM_BASE_URL=f"{URL}/", LLM_MODEL="m", LLM_API_KEY=KEY, LLM_PRICE_IN="0.15")
    assert done.stdout.split() == [URL, "m", "0.15", "False", "True"]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"LLM_BASE_URL": URL}, "LLM_MODEL"),
        ({"LLM_BASE_URL": "ftp://x", "LLM_MODEL": "m"}, "LLM_BASE_URL"),
        ({"LLM_BASE_URL": f"http://user:{KEY}@x/v1", "LLM_MODEL": "m"}, "LLM_BASE_URL"),
        ({"LLM_BASE_URL": URL, "LLM_MODEL": "m", "LLM_API_KEY": f"{KEY} x"}, "LLM_API_KEY"),
        ({"LLM_BASE_URL": URL, "LLM_MODEL": "m", "LLM_API_KEY": f"{KEY}é"}, "LLM_API_KEY"),
        ({"LLM_PRICE_IN": "-1"}, "LLM_PRICE_IN"),
        ({"LLM_PRICE_OUT": "1001"}, "LLM_PRICE_OUT"),
        ({"LLM_PRICE_OUT": "NaN"}, "LLM_PRICE_OUT"),
        ({"LLM_SECONDS": "0"}, "LLM_SECONDS"),
        ({"LLM_RETRIES": "11"}, "LLM_RETRIES"),
        ({"LLM_SMALL_MODEL": "yes"}, "LLM_SMALL_MODEL"),
    ],
)
def test_a_bad_one_is_named(tmp_path: Path, variables: dict[str, str], name: str) -> None:
    done = start(tmp_path, **variables)
    assert (done.returncode, done.stderr.startswith(f"{name} "), done.stderr.count("\n")) == (1, True, 1)
    assert KEY not in done.stderr
