"""`python -m tools.benchmarks.profiler`: profiles a prediction in the gateway, by function.

It runs the WSGI application in this process, with the benchmarks' model server and a real journal. There is one caller,
so no two requests share a sync. Publisher and Redis do not run, because they are not part of the gateway process.
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
from tools.benchmarks.raw_http import ConnectionBroken, request, request_once
from tools.benchmarks.results import percentile

Call = Callable[[], None]
WARM = 300


def main() -> None:
    """Prints the time of a request, and the functions that take most of it."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.profiler", description=__doc__)
    parser.add_argument("--count", type=int, default=3000, help="number of requests")
    parser.add_argument("--wall", action="store_true", help="measure wall time, including waits, instead of CPU time")
    parser.add_argument("--rows", type=int, default=40, help="number of functions to show")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        stub = [sys.executable, "-m", "tools.benchmarks.stub"]
        process = subprocess.Popen(stub, cwd=ROOT, env={**os.environ, "ML_SERVER_PORT": str(port)})
        try:
            call = _gateway(Path(folder), port)
            _repeat(call, WARM)
            _time(call, arguments.count)
            _profile(call, arguments)
        finally:
            process.kill()
            process.wait()


def _gateway(folder: Path, port: int) -> Call:
    """Returns a function that sends one prediction to the WSGI application."""
    _wait_for(port)
    os.environ |= {"DEBUG": "1", "VAR_DIR": str(folder), "ML_SERVER_URL": f"http://127.0.0.1:{port}"}
    os.environ |= {"DATABASE_URL": "", "LOG_LEVEL": "WARNING", "REDIS_PORT": str(free_port())}
    application = import_module("backend.wsgi").application

    def call() -> None:
        b"".join(application(_environ(), _start_response))

    return call


def _time(call: Call, count: int) -> None:
    """Prints the 10th percentile and the median. The former is the time on an undisturbed machine."""
    found: list[list[float]] = [[], []]
    for _ in range(count):
        before = time.perf_counter(), time.thread_time()
        call()
        for values, then, now in zip(found, before, (time.perf_counter(), time.thread_time()), strict=True):
            values.append((now - then) * 1e6)
    for name, values in zip(("wall time", "CPU time"), map(sorted, found), strict=True):
        low, median = percentile(values, 0.1), percentile(values, 0.5)
        print(f"µs per request, {name}: p10 {low:.0f}, median {median:.0f}")


def _profile(call: Call, arguments: argparse.Namespace) -> None:
    profile = cProfile.Profile(time.perf_counter if arguments.wall else time.thread_time)
    profile.runcall(_repeat, call, arguments.count)
    stats = pstats.Stats(profile).strip_dirs()
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(arguments.rows)


def _repeat(call: Call, count: int) -> None:
    for _ in range(count):
        call()


def _wait_for(port: int) -> None:
    ends_at = time.monotonic() + 10
    while True:
        try:
            request_once(port, request("/", b""))
        except ConnectionBroken:
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
