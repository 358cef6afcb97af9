"""Every process takes each dialect of REDIS_URL, and no secret of it is seen (rows 18 and 20 of the field's cases)."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

import psutil
import pytest
import requests

from tests.support.model import ScriptedModel
from tests.support.redis_servers import DIALECTS, PASSWORD
from tests.support.system import ROOT, System
from tests.support.wait import until

pytestmark = pytest.mark.any_database
PARTS = ("web", "publisher", "worker-logs", "worker-jobs", "beat", "flower")


def command_lines(system: System) -> str:
    lines = []
    for name in system.processes:
        for process in system.family(name):
            with suppress(psutil.NoSuchProcess):
                lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_process_takes_it(dialect: str, make_system: Callable[..., System], model: ScriptedModel) -> None:
    with DIALECTS[dialect]() as url:
        found = make_system(REDIS_URL=url, ml_server_url=model.url)
        found.start(*PARTS)
        probe = [sys.executable, "-m", "tools.launch.probe", "--seconds", "60", *PARTS]
        done = subprocess.run(probe, cwd=ROOT, env=found.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        answer = found.predict({"doctor_name": "Dr. Who", "patient_name": dialect})
        assert answer.status_code == 200
        rows = until(lambda: found.history(patient=dialect).json(), what="the row")
        assert [row["id"] for row in rows] == [answer.headers["X-Inference-ID"]]
        flower = f"http://127.0.0.1:{found.environment['FLOWER_PORT']}/broker"
        page = requests.get(flower, timeout=60)
        assert page.status_code == 200
        seen = command_lines(found) + "".join(found.log_of(name) for name in PARTS) + done.stdout + page.text
        assert [word for word in (PASSWORD, quote(PASSWORD, safe="")) if word in seen] == []
