"""The errors of each operation, as references to shared answers."""

from copy import deepcopy
from typing import Any

from common.exceptions import (
    BadInput,
    BodyTooLarge,
    BodyTooSlow,
    GatewayError,
    NoSuchRecord,
    NotJSONMedia,
    TooManyRequests,
    Unavailable,
)
from common.problem_details import TYPE_PREFIX, NotPermitted, Unauthenticated

Node = dict[str, Any]

CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
REQUEST_ID = {"X-Request-ID": {"schema": {"type": "string"}, "description": "The id of this request."}}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before a retry."}}
CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to sign in."}}
UNAVAILABLE = "Too many requests of this kind at once, or a part that this request needs is not available."

# By status: the name of the shared answer, the error, what it means, and its own header fields.
SHARED: dict[str, tuple[str, type[GatewayError], str, Node]] = {
    "400": ("BadRequest", BadInput, "The query or the body is not as described here; `errors` says where.", {}),
    "401": ("Unauthorized", Unauthenticated, "No credentials, or wrong, expired or revoked ones.", CHALLENGE),
    "403": ("Forbidden", NotPermitted, "The caller may not do this; `detail` names what is missing.", {}),
    "404": ("NotFound", NoSuchRecord, "Nothing that the caller may see has this id.", {}),
    "408": ("RequestTimeout", BodyTooSlow, "The body did not arrive in time.", {}),
    "413": ("TooLarge", BodyTooLarge, "The body is too large.", {}),
    "415": ("UnsupportedMediaType", NotJSONMedia, "The body has a media type that is not described here.", {}),
    "429": ("TooManyRequests", TooManyRequests, "The caller sent more than it may in this time.", RETRY_AFTER),
    "503": ("Unavailable", Unavailable, UNAVAILABLE, RETRY_AFTER),
    "default": ("Problem", GatewayError, "Any other error, as an RFC 9457 problem.", {}),
}


def add(result: Node, own: dict[str, dict[str, str]]) -> None:
    """Adds the errors that each operation can answer with; `own` are those of single operations."""
    result["components"]["responses"] = {name: _shared(status) for status, (name, *_) in SHARED.items()}
    for path, operations in result["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            for status, description in own.get(operation["operationId"], {}).items():
                answers.setdefault(str(status), _own(description))
            for status in _expected(path, operation):
                answers.setdefault(status, {"$ref": f"#/components/responses/{SHARED[status][0]}"})
            operation["responses"] = dict(sorted(answers.items(), key=lambda item: (item[0] == "default", item[0])))
            _complete(operation["responses"])


def _expected(path: str, operation: Node) -> list[str]:
    """The statuses of errors that every operation of this kind has."""
    if "4XX" in operation["responses"]:
        return ["default"]  # the model server's errors come unchanged, so no status belongs to this gateway alone
    found = ["default"]
    if operation["security"]:
        found += ["401", "403", "429"]
    if path != "/healthz":
        found += ["503"]
    if "{" in path:
        found += ["404"]
    if "requestBody" in operation:
        found += ["400", "408", "413", "415"]
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        found += ["400"]
    return found


def _complete(answers: Node) -> None:
    for status, answer in answers.items():
        if "$ref" in answer:
            continue
        answer["headers"] = answer.get("headers", {}) | deepcopy(REQUEST_ID)
        answer["description"] = answer.get("description") or _meaning(status)
        if status[0] in "45":
            answer.setdefault("content", deepcopy(CONTENT))


def _meaning(status: str) -> str:
    return {"200": "Done.", "201": "Created.", "202": "Accepted: it runs in the background.", "204": "Done."}[status]


def _own(description: str) -> Node:
    return {"description": description, "content": deepcopy(CONTENT)}


def _shared(status: str) -> Node:
    _, error, description, headers = SHARED[status]
    media: Node = {**CONTENT["application/problem+json"], "example": _example(error, description)}
    return {
        "description": description,
        "headers": deepcopy({**REQUEST_ID, **headers}),
        "content": {"application/problem+json": media},
    }


def _example(error: type[GatewayError], detail: str) -> Node:
    return {
        "type": TYPE_PREFIX + error.kind,
        "title": error.title,
        "status": int(error.status),
        "detail": detail,
        "request_id": "0198d1a2-7c1e-7000-8000-3f2b5a6c7d8e",
    }
