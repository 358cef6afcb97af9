"""Errors in the gateway's shape, `application/problem+json` (RFC 9457), for callers who ask for it."""

from http import HTTPStatus
from typing import Any

from flask import request

from ml_server.logs import request_id

PROBLEM = "application/problem+json"
TYPE_PREFIX = "urn:ml-proxy:problem:"


def is_wanted() -> bool:
    """Whether `Accept` names problem+json, and prefers it to JSON if it names both."""
    accepted = request.accept_mimetypes
    named = any(media == PROBLEM and quality > 0 for media, quality in accepted)
    return named and accepted[PROBLEM] >= _quality_of_json()


def _quality_of_json() -> float:
    return max((quality for media, quality in request.accept_mimetypes if media == "application/json"), default=0.0)


def as_problem(error: dict[str, Any], status: int) -> dict[str, Any]:
    """The body for `{"error", "fields"}`. Pointers are JSON pointers into the caller's body."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + title.lower().replace(" ", "-"),
        "title": title,
        "status": int(status),
        "detail": error["error"],
        "request_id": request_id(),
    }
    if fields := error.get("fields"):
        body["errors"] = [{"pointer": _pointer(each["field"]), "detail": each["detail"]} for each in fields]
    return body


def _pointer(field: str) -> str:
    """`features.mean radius` as `/features/mean radius`."""
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in field.split("."))
