"""MLflow's REST API, as far as it is needed: https://mlflow.org/docs/latest/api_reference/rest-api.html.

Each call has a connection of its own, a deadline and a cap, as the model server's have; errors are `MlflowError`s.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from django.conf import settings

from integrations.mlflow.exceptions import MlflowError, MlflowRefused, MlflowTimeout
from ml_proxy.exceptions import UpstreamError, UpstreamTimeout
from ml_proxy.upstream import Answer, deadline
from ml_proxy.upstream.client import Request, Translated, ask, most_bytes, whole
from ml_proxy.upstream.connection import server_at

API = "api/2.0/mlflow"
ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"
PROXIED = "mlflow-artifacts"  # the scheme of a run's artifact_uri where MLflow itself takes its files
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
TOO_LARGE = 413
OF_ALL = frozenset({401, 403, 408, 429})  # these refuse whoever asks, not what is asked

_CODE = re.compile("[A-Z_]{1,100}")


def get(path: str, **query: str) -> dict[str, Any]:
    """Reads. Raises `MlflowError`."""
    return _object(_called(Request("GET", path, urlencode(query), _fields(), b"", API)))


def post(path: str, **body: Any) -> dict[str, Any]:
    """Writes. Raises `MlflowError`."""
    return _object(_called(Request("POST", path, "", _fields("application/json"), orjson.dumps(body), API)))


def put_artifact(artifact_uri: str, name: str, data: bytes) -> None:
    """Stores one file of a run, in the place of one of that name. Raises `MlflowError`."""
    place = urlsplit(artifact_uri)
    if place.scheme != PROXIED:
        raise MlflowError("MLflow takes no files for its runs: start it with --serve-artifacts.")
    path = quote(f"{place.path.lstrip('/')}/{name}")
    _called(Request("PUT", path, "", _fields("application/json"), data, ARTIFACTS))


def _fields(content_type: str = "") -> Mapping[str, str]:
    given = {"Content-Type": content_type, "Authorization": settings.MLFLOW_AUTHORIZATION}
    return {name: value for name, value in given.items() if value}


def _called(request: Request) -> Answer:
    started, seconds = time.perf_counter(), settings.MLFLOW_TOTAL_SECONDS
    with _in_our_words(), deadline.budget(seconds, seconds, most_bytes()) as granted, Translated():
        server = server_at(settings.MLFLOW_TRACKING_URI)
        connection = server.connect(granted)
        try:
            answer = whole(ask(server, connection, request), started)
        finally:
            connection.close()
    if not answer.is_success:
        raise _refusal(answer)
    return answer


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except UpstreamTimeout as exc:
        raise MlflowTimeout("MLflow did not answer in time; it may still have done what it was asked.") from exc
    except UpstreamError as exc:
        raise MlflowError(f"MLflow can't be asked ({type(exc).__name__.removeprefix('Upstream')}).") from exc


def _refusal(answer: Answer) -> MlflowError:
    """What is no word of MLflow's own may come from a proxy, and says nothing about what was asked."""
    try:
        code = str(orjson.loads(answer.body)["error_code"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        code = "TOO_LARGE" if answer.status == TOO_LARGE else ""
    if _CODE.fullmatch(code) and 400 <= answer.status < 500 and answer.status not in OF_ALL:
        return MlflowRefused(code)
    return MlflowError(f"MLflow answered {answer.status}.")


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise MlflowError("MLflow's answer is no JSON object.")
    return found
