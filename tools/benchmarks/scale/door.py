"""What a page of history costs the gateway itself: processor time from the request to the bytes of its answer."""

import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from tqdm import tqdm

from tools.benchmarks.results import percentile
from tools.benchmarks.scale.pages import everybody
from tools.benchmarks.scale.run import Run

DOOR = "door"
WARM = 30
DEPTH = 0.5
PATH = "/ml/v1/history/"


def door(run: Run) -> None:
    """Pages of 100 from the middle of the log, by the WSGI application in this process, open to anybody."""
    settings.API_AUTH = "open"
    application = WSGIHandler()
    for who in tqdm(everybody(), desc="pages through the door", unit="question"):
        given = {column.removesuffix("_name"): name for column, name in who.question.equal.items()}
        cursors = [place.opaque() for place in who.places(DEPTH)]
        queries = [urlencode(given | {"cursor": cursor})
                   for cursor in cursors]  # fmt: skip
        run.add(DOOR, who.name, _figures(application, queries, run.executions))


def _figures(application: Callable[..., Iterable[bytes]], queries: list[str], executions: int) -> dict[str, float]:
    for number in range(WARM):
        _ask(application, queries[number % len(queries)])
    found = sorted(_ask(application, queries[number % len(queries)]) for number in range(executions))
    return {"p50": percentile(found, 0.5), "p95": percentile(found, 0.95)}


def _ask(application: Callable[..., Iterable[bytes]], query: str) -> float:
    """Milliseconds of this thread's processor time."""
    started = time.thread_time()
    answer: Any = application(_environ(query), _start_response)
    b"".join(answer)
    if close := getattr(answer, "close", None):  # PEP 3333: where it has one
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
        raise RuntimeError(f"history answers {status}")
