"""OpenAPI descriptions of the plain Django views; drf-spectacular finds only Django REST framework views."""

from copy import deepcopy
from typing import Any

from common.schemas import KEY_SCHEMA, NAME_PATTERN
from ml_proxy.promotion import MAX_REASON, SEGMENT

_ANSWER = {"description": "The model server's answer, unchanged: status, body and end-to-end header fields."}
_PASSED = "Passed through from the model server, unchanged."
_ANY_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
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
_INFERENCE_ID = {"X-Inference-ID": {**_TEXT, "description": "The inference's id in history."}}
_LOCATION = {"Location": {**_TEXT, "description": "The URL of the job."}}
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before the first poll."}}
OPEN = ("/healthz", "/readyz")  # need no credentials
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
            operation["security"] = [] if path in OPEN else _SECURITY
            if body := operation.get("requestBody"):
                body["required"] = any("required" in media["schema"] for media in body["content"].values())
    return result


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
                description="The body travels to the model byte for byte, and the model's answer back. Each 2xx JSON "
                "answer is one record in history; any other answer is none. Errors of this gateway are problems: 400 "
                "for a body without names, 413, 415, 502 if the model server can't be reached or answers no JSON, 503 "
                "if no record can be kept, 504 if the model takes too long. Other errors are the model server's.",
                requestBody=_PREDICT_BODY,
                parameters=[_REQUEST_ID, _KEY],
            )
        },
        "/ml/v1/status/": {
            "get": _operation("get_status", "The model server's status", {"200": answer}, description=_PASSED)
        },
        "/ml/v1/model-info/": {
            "get": _operation(
                "get_model_info",
                "The model server's models",
                {"200": answer},
                description=f"{_PASSED} `input_schema` is the JSON Schema of a model's input, `example` a body that "
                "predict accepts without the two names, `classes` the labels that it can answer.",
            )
        },
        "/ml/v1/models/": {
            "get": _operation("list_models", "All models with their versions", {"200": answer}, description=_PASSED)
        },
        "/ml/v1/models/{name}/versions/{version}/promote/": {
            "post": _operation(
                "promote_model",
                "Put a version of a model into service, or go back to an older one",
                {"200": answer, "4XX": _REFUSAL, "5XX": _REFUSAL},
                description="The model server does it; the gateway logs who asked for it, and why.",
                requestBody=_PROMOTE_BODY,
                parameters=[_path_parameter("name"), _path_parameter("version"), _REQUEST_ID],
            )
        },
        "/ml/v1/retrain/": {
            "post": _operation(
                "retrain",
                "Retrain synchronously, or as a job",
                {"200": answer, "202": accepted, "409": conflict},
                description="Waits until the model server is done, so it is for short runs. With `Prefer: "
                "respond-async` it starts a job, as `POST /ml/v1/retrain/jobs/` does. One retrain at a time.",
                requestBody={"content": _ANY_OBJECT},
                parameters=[_REQUEST_ID, _PREFER, _JOB_KEY],
            )
        },
        "/healthz": {
            "get": _operation(
                "get_health",
                "Liveness",
                {"200": {"description": "The process is alive.", "content": _ANY_OBJECT}},
                description="For a load balancer or a supervisor. It asks no other part.",
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
                description="Whether predictions can be answered now, and, for callers who may see it, part by part.",
            )
        },
    }


def _operation(name: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "responses": deepcopy(responses), **more}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string", "pattern": SEGMENT.pattern}}


def _content(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
