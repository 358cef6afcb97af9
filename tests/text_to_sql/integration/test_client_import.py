"""The client of language models is loaded with the first question that needs one, and not before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
START = """
import sys
from backend.wsgi import application
from django.urls import get_resolver
get_resolver().url_patterns
from text_to_sql.llm import client
{then}
print(sorted({{"openai", "httpx2", "pydantic"}} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("then", "loaded"),
    [("", "[]"), ("client._completions('http://127.0.0.1:9/v1', '')", "['httpx2', 'openai', 'pydantic']")],
)
def test_a_process_that_asked_nothing_has_no_client(tmp_path: Path, then: str, loaded: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "backend.settings", "DEBUG": "1", "VAR_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", START.format(then=then)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == [loaded], done.stderr
