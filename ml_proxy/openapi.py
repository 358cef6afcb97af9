"""OpenAPI descriptions of the plain Django views; drf-spectacular finds only Django REST framework views."""

from copy import deepcopy
from typing import Any

from common.schemas import KEY_SCHEMA, NAME_PATTERN
from ml_proxy.model_names import SEGMENT
from ml_proxy.promotion import MAX_REASON

_ANSWER = {"description": "The model server's answer, unchanged: status, body and end-to-end header fields."}
_ANY_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PROBLEM = {"description": "An RFC 9457 problem.", "content": _PROBLEM_CONTENT}
_REFUSAL = {
    "description": "A problem of this gateway, or the model server's answer, unchanged.",
    "content": {**_PROBLEM_CONTENT, "application/json": {"schema": {}}},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What went wrong, and what to do about it."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer, or the name of a parameter."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_NAME = {"type": "string", "minLength": 1, "maxLength": 100, "pattern": NAME_PATTERN}
_PREDICT_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["doctor_name", "patient_name"],
                "properties": {"doctor_name": _NAME, "patient_name": _NAME},
                "additionalProperties": True,
                "description": "The two names, and the model's input.",
            }
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["doctor_name", "patient_name"],
                "properties": {"doctor_name": _NAME, "patient_name": _NAME},
                "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "string", "format": "binary"}]},
                "description": "The same as a form, forwarded unchanged. History shows an object of its fields, with "
                "filename, content_type, bytes and sha256 for each file, and links to the files.",
            }
        },
    },
}
_PROMOTE_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["reason"],
                "additionalProperties": False,
                "properties": {
                    "reason": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_REASON,
                        "pattern": NAME_PATTERN,
                        "description": "Why, for the record. It is logged, so it must not name a patient.",
                    }
                },
            }
        }
    },
}
_READY_SCHEMA = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"enum": ["ready", "degraded", "not ready"]},
        "parts": {
            "type": "object",
            "description": "Only for monitoring and permitted users, see OPEN_PATHS.",
            "additionalProperties": {
                "type": "object",
                "required": ["ok", "ms", "detail"],
                "properties": {"ok": {"type": "boolean"}, "ms": {"type": "number"}, "detail": {"type": "string"}},
            },
        },
    },
}
_TEXT = {"schema": {"type": "string"}}
_HEADER = {"in": "header", "required": False, **_TEXT}
_REQUEST_ID = {
    **_HEADER,
    "name": "X-Request-ID",
    "description": "The id of this request; generated if missing.",
}
# Without empty items between commas: the server joins repeated fields by a comma, so such a value may be incomplete.
_ITEM = r"[!-+\x2d-~]([ -+\x2d-~]*[!-+\x2d-~])?"
_FORWARDED = f"^{_ITEM}(,{_ITEM})*$"
_KEY = {
    **_HEADER,
    "schema": {**KEY_SCHEMA, "pattern": _FORWARDED},
    "name": "Idempotency-Key",
    "description": "For 24 hours, a repeat of the request by the same caller with the same key gets the first answer. "
    "With another path, query or body it gets a 422.",
}
_PREFER = {
    **_HEADER,
    "schema": {"type": "string", "pattern": _FORWARDED},
    "name": "Prefer",
    "description": "respond-async starts a job instead of waiting.",
}
_JOB_KEY = {
    **_KEY,
    "schema": {"type": "string", "pattern": _FORWARDED},
    "description": "With respond-async, a repeat of the request by the same caller with the same key returns the same "
    "job. Otherwise the key is forwarded to the model server.",
}
_REQUEST_ID_ANSWERED = {"X-Request-ID": {**_TEXT, "description": "The id of this request."}}
_INFERENCE_ID = {"X-Inference-ID": {**_TEXT, "description": "The inference's id in history."}}
_LOCATION = {"Location": {**_TEXT, "description": "The URL of the job."}}
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before the first poll."}}
_BUSY = {
    "description": "Too many requests of this kind at once, or not available.",
    "content": _PROBLEM_CONTENT,
    "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before a retry."}},
}
_SECURITY: list[dict[str, list[str]]] = [
    {"tokenAuth": []},
    {"cookieAuth": []},
    {"basicAuth": []},
    {},
]


def add_plain_views(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook."""
    result["components"].setdefault("schemas", {}).update({"Problem": _PROBLEM_SCHEMA, "Ready": _READY_SCHEMA})
    result["paths"].update(_paths())
    result["paths"] = dict(sorted(result["paths"].items()))
    for path, operations in result["paths"].items():
        for operation in operations.values():
            operation["security"] = _SECURITY if path.startswith("/ml/") else []
            operation["responses"].setdefault("default", _PROBLEM)
            if body := operation.get("requestBody"):
                body["required"] = any("required" in media["schema"] for media in body["content"].values())
            _add_refusals(path, operation)
            for status, response in operation["responses"].items():
                response["headers"] = response.get("headers", {}) | _REQUEST_ID_ANSWERED
                if status.startswith("4"):
                    response.setdefault("content", _PROBLEM_CONTENT)
    return result


def _add_refusals(path: str, operation: dict[str, Any]) -> None:
    """The answers to requests that were refused before a view saw them."""
    answers = operation["responses"]
    if "requestBody" in operation and "4XX" not in answers:
        answers.setdefault("408", {"description": "The body did not arrive in time."})
        answers.setdefault("413", {"description": "The body is too large."})
    if path != "/healthz" and "5XX" not in answers:
        own = answers.setdefault("503", deepcopy(_BUSY))
        own["content"] = own["content"] | _PROBLEM_CONTENT


def _paths() -> dict[str, Any]:
    answer = _ANSWER | {"content": _ANY_OBJECT}
    accepted = {"description": "The job.", "headers": _LOCATION | _RETRY_AFTER, **_content("Job")}
    conflict = _REFUSAL | {"headers": _LOCATION}
    return {
        "/ml/v1/predict/": {
            "post": _operation(
                "predict",
                "Get a prediction from the model and record it",
                {"2XX": answer | {"headers": _INFERENCE_ID}, "4XX": _REFUSAL, "5XX": _REFUSAL},
                requestBody=_PREDICT_BODY,
                parameters=[_REQUEST_ID, _KEY],
            )
        },
        "/ml/v1/status/": {"get": _operation("get_status", "The model server's status", {"200": answer})},
        "/ml/v1/model-info/": {"get": _operation("get_model_info", "The model server's models", {"200": answer})},
        "/ml/v1/models/": {"get": _operation("list_models", "All models with their versions", {"200": answer})},
        "/ml/v1/models/{name}/versions/{version}/promote/": {
            "post": _operation(
                "promote_model",
                "Put a version of a model into service, or go back to an older one",
                {"200": answer, "4XX": _REFUSAL, "5XX": _REFUSAL},
                requestBody=_PROMOTE_BODY,
                parameters=[_path_parameter("name"), _path_parameter("version"), _REQUEST_ID],
            )
        },
        "/ml/v1/retrain/": {
            "post": _operation(
                "retrain",
                "Retrain synchronously, or as a job",
                {"200": answer, "202": accepted, "409": conflict},
                requestBody={"content": _ANY_OBJECT},
                parameters=[_REQUEST_ID, _PREFER, _JOB_KEY],
            )
        },
        "/healthz": {
            "get": _operation(
                "get_health", "Liveness", {"200": {"description": "The process is alive.", "content": _ANY_OBJECT}}
            )
        },
        "/readyz": {
            "get": _operation(
                "get_readiness",
                "Readiness of each part",
                {
                    "200": {"description": "Ready, or degraded.", **_content("Ready")},
                    "503": {"description": "Not ready.", **_content("Ready")},
                },
            )
        },
    }


def _operation(name: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "tags": ["ml"], "responses": deepcopy(responses), **more}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string", "pattern": SEGMENT.pattern}}


def _content(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
