"""Settings of the language model: a bad one stops the start with one line, which shows no key."""

from pathlib import Path

import pytest

from tests.support.settings_process import run_with_settings

URL, KEY = "http://127.0.0.1:8080/v1", "sk-synthetic-0123456789"
SHOWN = """
from backend import settings as s
print(s.LLM_BASE_URL, s.LLM_MODEL, s.LLM_PRICE_IN, s.LLM_SMALL_MODEL, s.LLM_SHOW_VALUES)
"""


def test_without_settings_there_is_no_model(tmp_path: Path) -> None:
    assert run_with_settings(tmp_path, SHOWN, DEBUG="1").stdout.split() == ["0", "False", "True"]


def test_a_model(tmp_path: Path) -> None:
    done = run_with_settings(
        tmp_path, SHOWN, DEBUG="1", LLM_BASE_URL=f"{URL}/", LLM_MODEL="m", LLM_API_KEY=KEY, LLM_PRICE_IN="0.15"
    )
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
    done = run_with_settings(tmp_path, SHOWN, DEBUG="1", **variables)
    assert (done.returncode, done.stderr.startswith(f"ml-proxy: {name} "), done.stderr.count("\n")) == (1, True, 1)
    assert KEY not in done.stderr
