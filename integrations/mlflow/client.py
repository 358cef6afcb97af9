"""A client for the part of MLflow's REST API that is needed: https://mlflow.org/docs/latest/api_reference/rest-api.html.

Each call has a deadline and a size limit, like calls to the model server. Errors of `requests` become `MlflowError`.
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
PROXIED = "mlflow-artifacts"  # the scheme of artifact_uri if the MLflow server stores a run's files
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
TOO_LARGE = 413
GENERAL_REFUSALS = frozenset({401, 403, 408, 429})  # these reject the caller or any request, not this one

HEAD_BYTES = 1024 * 1024  # for the response's headers
WIRE_BYTES = 6  # on the wire for one byte of body, if each byte is a chunk

_CODE = re.compile("[A-Z_]{1,100}")


def get(path: str, **query: str) -> dict[str, Any]:
    """Calls a GET endpoint and returns its JSON object. Raises `MlflowError`."""
    return _object(_call("GET", f"{API}/{path}?{urlencode(query)}", _headers()))


def post(path: str, **body: Any) -> dict[str, Any]:
    """Calls a POST endpoint and returns its JSON object. Raises `MlflowError`."""
    return _object(_call("POST", f"{API}/{path}", _headers("application/json"), orjson.dumps(body)))


def put_artifact(artifact_uri: str, name: str, data: bytes) -> None:
    """Stores one file of a run, and replaces a file of the same name. Raises `MlflowError`."""
    location = urlsplit(artifact_uri)
    if location.scheme != PROXIED:
        raise MlflowError("This MLflow server does not store files: start it with --serve-artifacts.")
    path = quote(f"{location.path.lstrip('/')}/{name}")
    _call("PUT", f"{ARTIFACTS}/{path}", _headers("application/json"), data)


def _headers(content_type: str = "") -> Mapping[str, str]:
    headers = {"Content-Type": content_type, "Authorization": settings.MLFLOW_AUTHORIZATION}
    return {name: value for name, value in headers.items() if value}


def _call(method: str, path: str, headers: Mapping[str, str], data: bytes = b"") -> bytes:
    """Returns the body of a 2xx response."""
    session, cap = sessions.mlflow(), settings.MAX_ANSWER_BYTES
    request = session.prepared(method, f"{settings.MLFLOW_TRACKING_URI}/{path}", headers, data)
    with _translated_errors():
        timeout = budget(settings.MLFLOW_TOTAL_SECONDS, most_bytes=cap * WIRE_BYTES + HEAD_BYTES)
        response = session.send(request, stream=True, timeout=timeout)
        body = bodies.read_body(response, cap)
    if not 200 <= response.status_code < 300:
        raise _refusal(response.status_code, body)
    return body


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except requests.Timeout as exc:
        raise MlflowTimeout("MLflow did not answer in time; it may still have processed the request.") from exc
    except requests.RequestException as exc:
        raise MlflowError(f"MLflow can't be reached ({type(exc).__name__}).") from exc


def _refusal(status: int, body: bytes) -> MlflowError:
    """Without an error code of MLflow, the response may come from a proxy and says nothing about the request."""
    try:
        code = str(orjson.loads(body)["error_code"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        code = "TOO_LARGE" if status == TOO_LARGE else ""
    if _CODE.fullmatch(code) and 400 <= status < 500 and status not in GENERAL_REFUSALS:
        return MlflowRefused(code)
    return MlflowError(f"MLflow answered {status}.")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise MlflowError("MLflow's answer is not a JSON object.")
    return value
