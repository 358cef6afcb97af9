"""Verdicts: asked for over HTTP, and many at once from one statement."""

import json
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client

_COLUMNS = "inference_id, verdict, label, note, caller, created_at, model_name, model_version, predicted_at"
_MANY = (
    "INSERT INTO ml_proxy_feedback ({columns}) SELECT id, 'agree', 'benign', "
    "'', '', predicted_at, model_name, model_version, predicted_at FROM ml_proxy_inferencelog ORDER BY predicted_at"
)


def answer(label: Any) -> str:
    """A model's answer that is surest of `label`."""
    return json.dumps({"predictions": [{"label": label, "confidence": 0.9}, {"label": "other", "confidence": 0.1}]})


def path_of(inference_id: UUID) -> str:
    """Where the verdicts of an inference are."""
    return f"/ml/v1/history/{inference_id}/feedback/"


def judge(client: Client, inference_id: UUID, body: Any = None, **members: Any) -> Any:
    """`POST feedback/`, with bytes as they are or members as JSON."""
    data = json.dumps(members) if body is None else body
    return client.post(path_of(inference_id), data, content_type="application/json")


def agree_with_all() -> None:
    """One verdict about each row of the log, in the order of the predictions."""
    with connection.cursor() as cursor:
        cursor.execute(_MANY.format(columns=_COLUMNS))
        cursor.execute("ANALYZE ml_proxy_feedback")
