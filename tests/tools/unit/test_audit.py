"""`tools.audit` with the real pip-audit, in front of a stub of the OSV service."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.network import free_port
from tests.support.system import ROOT

LOCKED = f"alpha==1.0 \\\n    --hash=sha256:{'0' * 64}\nbeta==2.5 \\\n    --hash=sha256:{'1' * 64}\n"
FOUND = {
    "schema_version": "1.4.0",
    "id": "OSV-2026-1",
    "summary": "bad",
    "affected": [
        {
            "package": {"name": "beta", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.6"}]}],
        }
    ],
}


@contextmanager
def service(answer: Any, *, status: int = 200, delay: threading.Event | None = None) -> Iterator[str]:
    """Answers every query about beta."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            if delay:
                delay.wait(60)
            body = json.dumps(answer if asked == "beta" else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        if delay:
            delay.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    path = tmp_path / "locked.txt"
    path.write_text(LOCKED)
    return path


def audit(locked: Path, url: str, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tools.audit", "--osv-url", url, *words, str(locked)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_fails_for_a_known_vulnerability_and_names_the_fix(locked: Path) -> None:
    with service({"vulns": [FOUND]}) as url:
        assert audit(locked, url) == (
            1,
            "FAILED  known vulnerabilities\nbeta 2.5: OSV-2026-1, fixed in: 2.6\n",
        )


def test_it_passes_if_none_is_known(locked: Path) -> None:
    with service({}) as url:
        assert audit(locked, url) == (0, "ok      known vulnerabilities\n")


def test_it_is_skipped_where_the_data_can_not_be_reached(locked: Path) -> None:
    status, told = audit(locked, f"http://127.0.0.1:{free_port()}/v1/query")
    assert (status, told) == (0, "skipped known vulnerabilities: 127.0.0.1 can't be reached (Connection refused)\n")
    status, told = audit(locked, "http://no-such-host.invalid/v1/query")
    assert status == 0
    assert told.startswith("skipped known vulnerabilities: no-such-host.invalid can't be reached")


def test_it_is_skipped_if_the_service_fails(locked: Path) -> None:
    with service({}, status=500) as url:
        assert audit(locked, url) == (0, "skipped known vulnerabilities: the data can't be read\n")


def test_it_is_skipped_if_the_service_hangs(locked: Path) -> None:
    started = time.monotonic()
    with service({}, delay=threading.Event()) as url:
        assert audit(locked, url, "--seconds", "3") == (
            0,
            "skipped known vulnerabilities: it took longer than 3 s\n",
        )
        assert time.monotonic() - started < 50
