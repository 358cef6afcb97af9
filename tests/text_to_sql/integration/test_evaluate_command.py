"""`make evaluate`, with the model that `make llm` serves."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests.support.llm_server import MODEL, LLMServer, completes, sends
from tests.support.model import Conversation
from tests.support.system import ROOT
from tools.llm import endpoint
from tools.llm.endpoint import Endpoint

LISTED = sends(orjson.dumps({"data": [{"id": MODEL}]}))
RICH = "SELECT COUNT(*) FROM campaigns WHERE budget > 50000000"  # what the second question asks for: no other draft


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with closing(LLMServer()) as found:
        yield found


def test_an_interrupt_keeps_what_was_found_until_then(server: LLMServer, tmp_path: Path) -> None:
    """The command finds the local model without any setting, and makes the database."""
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "METRICS_DIR": str(tmp_path / "metrics")}
    endpoint.write(tmp_path, Endpoint(f"{server.url}/v1", "right", MODEL))
    output = tmp_path / "report.json"
    command = [sys.executable, "-m", "tools.llm.evaluate", "--sample", "40", "--output", str(output)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:

        def interrupt(conversation: Conversation) -> None:
            process.send_signal(signal.SIGINT)
            completes("SELECT 1")(conversation)

        server.say(LISTED, completes("-- cannot answer: no table has it"), completes(RICH), interrupt)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert re.search(r"interrupted after 2 of 40 questions: nothing is stored", said), said
    report = orjson.loads(output.read_bytes())
    assert report["model"] == MODEL
    assert [each["kind"] for each in report["outcomes"]] == ["refused", "right"]
