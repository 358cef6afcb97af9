"""MLflow's REST API, as far as it is needed: https://mlflow.org/docs/latest/api_reference/rest-api.html.

Each call has a deadline and a cap, as the model server's have; whatever `requests` raises becomes a `MlflowError`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import budget
from integrations.mlflow.exceptions import MlflowError, MlflowRefused, MlflowTimeout

API = "api/2.0/mlflow"
ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"
PROXIED = "mlflow-artifacts"  # the scheme of a run's artifact_uri where MLflow itself takes its files
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
TOO_LARGE = 413
OF_ALL = frozenset({401, 403, 408, 429})  # these refuse whoever asks, not what is asked

HEAD_BYTES = 1024 * 1024  # what may arrive beside the body
WIRE_BYTES = 6  # that one byte of a body takes at most, in a chunk of its own

_CODE = re.compile("[A-Z_]{1,100}")


def get(path: str, **query: str) -> dict[str, Any]:
    """Reads. Raises `MlflowError`."""
    return _object(_called("GET", f"{API}/{path}?{urlencode(query)}", _fields()))


def post(path: str, **body: Any) -> dict[str, Any]:
    """Writes. Raises `MlflowError`."""
    return _object(_called("POST", f"{API}/{path}", _fields("application/json"), orjson.dumps(body)))


def put_artifact(artifact_uri: str, name: str, data: bytes) -> None:
    """Stores one file of a run, in the place of one of that name. Raises `MlflowError`."""
    place = urlsplit(artifact_uri)
    if place.scheme != PROXIED:
        raise MlflowError("MLflow takes no files for its runs: start it with --serve-artifacts.")
    path = quote(f"{place.path.lstrip('/')}/{name}")
    _called("PUT", f"{ARTIFACTS}/{path}", _fields("application/json"), data)


def _fields(content_type: str = "") -> Mapping[str, str]:
    given = {"Content-Type": content_type, "Authorization": settings.MLFLOW_AUTHORIZATION}
    return {name: value for name, value in given.items() if value}


def _called(method: str, path: str, fields: Mapping[str, str], data: bytes = b"") -> bytes:
    """The body of a 2xx."""
    session, cap = sessions.mlflow(), settings.MAX_ANSWER_BYTES
    request = session.prepared(method, f"{settings.MLFLOW_TRACKING_URI}/{path}", fields, data)
    with _in_our_words():
        granted = budget(settings.MLFLOW_TOTAL_SECONDS, most_bytes=cap * WIRE_BYTES + HEAD_BYTES)
        response = session.send(request, stream=True, timeout=granted)
        body = bodies.read_body(response, cap)
    if not 200 <= response.status_code < 300:
        raise _refusal(response.status_code, body)
    return body


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except requests.Timeout as exc:
        raise MlflowTimeout("MLflow did not answer in time; it may still have done what it was asked.") from exc
    except requests.RequestException as exc:
        raise MlflowError(f"MLflow can't be asked ({type(exc).__name__}).") from exc


def _refusal(status: int, body: bytes) -> MlflowError:
    """What is no word of MLflow's own may come from a proxy, and says nothing about what was asked."""
    try:
        code = str(orjson.loads(body)["error_code"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        code = "TOO_LARGE" if status == TOO_LARGE else ""
    if _CODE.fullmatch(code) and 400 <= status < 500 and status not in OF_ALL:
        return MlflowRefused(code)
    return MlflowError(f"MLflow answered {status}.")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise MlflowError("MLflow's answer is no JSON object.")
    return found
