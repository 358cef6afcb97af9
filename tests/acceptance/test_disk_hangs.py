"""A disk that hangs: the state folder is on a file system of its own, which is frozen while predictions go on."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

WRITE_SECONDS = 2.0
BODY = {"doctor_name": "Dr. Synthetic", "patient_name": "Park (synthetic)", "features": [1]}
SLOW = 10.0  # seconds: more than any answer may take, also on a busy machine


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 file system in a file. Only root can mount one."""
    if os.getuid() or not shutil.which("fsfreeze"):
        pytest.skip("needs root, and fsfreeze of util-linux")
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(256 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, folder], check=False).returncode:
        pytest.skip("needs a kernel with loop devices")
    yield folder
    until(lambda: not subprocess.run(["umount", folder], check=False).returncode, what="the end of all processes")


@contextmanager
def frozen(disk: Path) -> Iterator[None]:
    """Nothing can be written to the disk: whoever tries waits, and no signal ends that."""
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)


def test_predictions_end_at_a_deadline_and_probes_answer(disk: Path, tmp_path: Path, model: ScriptedModel) -> None:
    system = System(
        disk, ml_server_url=model.url, METRICS_DIR=str(tmp_path / "metrics"), JOURNAL_WRITE_SECONDS=str(WRITE_SECONDS)
    )
    system.log_folder = tmp_path
    try:
        system.manage("migrate")
        system.start("redis", "web", "publisher", "worker-logs")
        assert system.predict(BODY).status_code == 200
        with frozen(disk), ThreadPoolExecutor(8) as threads:
            waiting = [threads.submit(timed_predict, system) for _ in range(8)]
            for path in ("/healthz", "/readyz", "/metrics"):
                assert requests.get(f"{system.url}{path}", timeout=SLOW).status_code in {200, 503}
            found = [each.result() for each in waiting]
            assert {status for status, _ in found} == {503}
            assert max(seconds for _, seconds in found) < WRITE_SECONDS + SLOW
            before = predictions(model)
            status, seconds = timed_predict(system)
            assert (status, seconds < WRITE_SECONDS) == (503, True)
            assert predictions(model) == before  # the model was not called in vain
        until(lambda: system.predict(BODY).status_code == 200, what="an answer from the disk that works again")
        rows = "SELECT count(*) FROM ml_proxy_inferencelog"
        until(lambda: system.sql(rows)[0][0] >= 2, what="both rows")
        assert "all in place and unchanged" in system.manage("verify_log", "--no-progress")
    finally:
        system.stop()


def timed_predict(system: System) -> tuple[int, float]:
    started = time.monotonic()
    status = system.predict(BODY).status_code
    return status, time.monotonic() - started


def predictions(model: ScriptedModel) -> int:
    return sum(conversation.head.startswith(b"POST") for conversation in model.requests)
