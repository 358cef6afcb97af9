"""The plain views, described by hand: drf-spectacular sees only those of Django REST framework."""

from typing import Any

_ANSWER = {"description": "The model's own answer, byte for byte: status, body and end-to-end fields."}
_PROBLEM = {
    "description": "An RFC 9457 problem.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What went wrong, and what to do."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer, or a parameter's name."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_NAME = {"type": "string", "minLength": 1, "maxLength": 100}
_PREDICT_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["doctor_name", "patient_name"],
                "properties": {"doctor_name": _NAME, "patient_name": _NAME},
                "additionalProperties": True,
                "description": "The two names, and whatever the model needs.",
            }
        }
    },
}
_HEADER = {"in": "header", "required": False, "schema": {"type": "string"}}
_REQUEST_ID = {
    **_HEADER,
    "name": "X-Request-ID",
    "description": "Names this exchange; one is made where there is none.",
}
_KEY = {
    **_HEADER,
    "name": "Idempotency-Key",
    "description": "The same caller, key and body get the first answer again for 24 hours.",
}
_PREFER = {**_HEADER, "name": "Prefer", "description": "respond-async makes a job."}
_SECURITY: list[dict[str, list[str]]] = [{"basicAuth": []}, {"cookieAuth": []}, {}]


def add_plain_views(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    result["paths"].update(_paths())
    result["paths"] = dict(sorted(result["paths"].items()))
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"].setdefault("default", _PROBLEM)
    return result


def _paths() -> dict[str, Any]:
    json = {"content": {"application/json": {"schema": {"type": "object"}}}}
    accepted = {"description": "The job, with Location and Retry-After.", **_ref("Job")}
    return {
        "/ml/v1/predict/": {
            "post": _operation(
                "predict",
                "Ask the model for a prediction, and have it recorded",
                {"2XX": _ANSWER | json, "4XX": _ANSWER, "5XX": _ANSWER},
                body=_PREDICT_BODY,
                parameters=[_REQUEST_ID, _KEY],
            )
        },
        "/ml/v1/status/": {"get": _operation("get_status", "The model server's status", {"200": _ANSWER | json})},
        "/ml/v1/model-info/": {
            "get": _operation("get_model_info", "The model server's models", {"200": _ANSWER | json})
        },
        "/ml/v1/retrain/": {
            "post": _operation(
                "retrain",
                "Retrain while the caller waits, or as a job",
                {"200": _ANSWER | json, "202": accepted},
                body={"content": {"application/json": {"schema": {"type": "object"}}}},
                parameters=[_REQUEST_ID, _PREFER],
            )
        },
        "/healthz": {"get": _operation("get_health", "Alive", {"200": {"description": "Alive."} | json})},
        "/readyz": {
            "get": _operation(
                "get_readiness", "Ready, part by part", {"200": {"description": "Ready, or degraded."} | json}
            )
        },
    }


def _operation(name: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    operation = {
        "operationId": name,
        "summary": summary,
        "tags": ["ml"],
        "security": _SECURITY,
        "responses": responses,
    }
    if "body" in more:
        operation["requestBody"] = more.pop("body")
    return operation | more


def _ref(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
