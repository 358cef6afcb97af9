"""Measures the CPU time of a history page in the gateway, from the request to the bytes of the answer."""

import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from tqdm import tqdm

from tools.benchmarks.results import percentile
from tools.benchmarks.scale.pages import history_cases
from tools.benchmarks.scale.run import Run

GATEWAY_CPU = "gateway_cpu"
WARM = 30
DEPTH = 0.5
PATH = "/ml/v1/history/"


def gateway_cpu(run: Run) -> None:
    """Measures pages of 100 from the middle of the log, with the WSGI application in this process and an open API."""
    settings.API_AUTH = "open"
    application = WSGIHandler()
    for case in tqdm(history_cases(), desc="CPU time of pages", unit="query"):
        cursors = [place.opaque() for place in case.cursors(DEPTH)]
        queries = [urlencode({**case.parameters, "cursor": cursor}) for cursor in cursors]
        run.add(GATEWAY_CPU, case.name, _figures(application, queries, run.executions))


def _figures(application: Callable[..., Iterable[bytes]], queries: list[str], executions: int) -> dict[str, float]:
    for number in range(WARM):
        _cpu_milliseconds(application, queries[number % len(queries)])
    found = sorted(_cpu_milliseconds(application, queries[number % len(queries)]) for number in range(executions))
    return {"p50": percentile(found, 0.5), "p95": percentile(found, 0.95)}


def _cpu_milliseconds(application: Callable[..., Iterable[bytes]], query: str) -> float:
    """Returns milliseconds of this thread's CPU time."""
    started = time.thread_time()
    answer: Any = application(_environ(query), _start_response)
    b"".join(answer)
    if close := getattr(answer, "close", None):  # PEP 3333: optional
        close()
    return (time.thread_time() - started) * 1000


def _environ(query: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
    }


def _start_response(status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> None:
    if not status.startswith("200"):
        raise SystemExit(f"history answers {status}")
