"""`python -m tools.benchmarks.profiling`: where a prediction's time goes within the gateway, by function.

The WSGI application in this process, before the same model server as all variants, journal and all. One caller, so no
two requests share a sync. No publisher and no Redis: neither runs in a process of the gateway's.
"""

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.support.network import free_port
from tests.support.system import ROOT
from tools.benchmarks.payload import BODY
from tools.benchmarks.results import percentile
from tools.benchmarks.wire import Broken, ask_once, request

Call = Callable[[], None]
WARM = 300


def main() -> None:
    """Prints what a request takes, and the functions that take the most of it."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.profiling", description=__doc__)
    parser.add_argument("--count", type=int, default=3000, help="requests")
    parser.add_argument("--wall", action="store_true", help="by the clock, waiting included, not by the processor")
    parser.add_argument("--rows", type=int, default=40, help="functions that are shown")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        stub = [sys.executable, "-m", "tools.benchmarks.stub"]
        process = subprocess.Popen(stub, cwd=ROOT, env={**os.environ, "ML_SERVER_PORT": str(port)})
        try:
            call = _gateway(Path(folder), port)
            _repeat(call, WARM)
            _time(call, asked.count)
            _profile(call, asked)
        finally:
            process.kill()
            process.wait()


def _gateway(folder: Path, port: int) -> Call:
    """One prediction, as the WSGI server hands it over."""
    _wait_for(port)
    os.environ |= {"DEBUG": "1", "VAR_DIR": str(folder), "ML_SERVER_URL": f"http://127.0.0.1:{port}"}
    os.environ |= {"DATABASE_URL": "", "LOG_LEVEL": "WARNING", "REDIS_PORT": str(free_port())}
    application = import_module("backend.wsgi").application

    def call() -> None:
        b"".join(application(_environ(), _start_response))

    return call


def _time(call: Call, count: int) -> None:
    """The lower tenth beside the middle: what it takes where nobody else is in the way."""
    found: list[list[float]] = [[], []]
    for _ in range(count):
        before = time.perf_counter(), time.thread_time()
        call()
        for values, then, now in zip(found, before, (time.perf_counter(), time.thread_time()), strict=True):
            values.append((now - then) * 1e6)
    for name, values in zip(("by the clock", "on the processor"), map(sorted, found), strict=True):
        low, middle = percentile(values, 0.1), percentile(values, 0.5)
        print(f"µs per request {name}: {low:.0f} in the lower tenth, {middle:.0f} in the middle")


def _profile(call: Call, asked: argparse.Namespace) -> None:
    profile = cProfile.Profile(time.perf_counter if asked.wall else time.thread_time)
    profile.runcall(_repeat, call, asked.count)
    stats = pstats.Stats(profile).strip_dirs()
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(asked.rows)


def _repeat(call: Call, count: int) -> None:
    for _ in range(count):
        call()


def _wait_for(port: int) -> None:
    ends_at = time.monotonic() + 10
    while True:
        try:
            ask_once(port, request("/", b""))
        except Broken:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.02)
        else:
            return


def _start_response(status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
    if not status.startswith("200"):
        raise RuntimeError(f"the gateway answers {status}")
    return lambda _: None


def _environ() -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/ml/v1/predict/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_ACCEPT": "*/*",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(BODY)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(BODY),
    }


if __name__ == "__main__":
    main()
