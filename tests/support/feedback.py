"""Feedback: over HTTP, or many rows with one statement."""

import json
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client

_COLUMNS = (
    "id, position, inference_id, verdict, label, note, caller, recorded_at, created_at, model_name, model_version, "
    "predicted_at, doctor_key"
)
_MANY = (
    "INSERT INTO ml_proxy_feedback ({columns}) SELECT id, row_number() OVER (ORDER BY predicted_at), id, 'agree', "
    "'benign', '', '', predicted_at, predicted_at, model_name, model_version, predicted_at, doctor_key "
    "FROM ml_proxy_inferencelog"
)


def model_answer(label: Any) -> str:
    """A model's output with `label` as its most confident prediction, and with every other label of the tests.

    A label that the answer names needs no model server, and most tests of feedback have none.
    """
    others = [each for each in ("other", "malignant", "benign", "atypical") if each != label]
    confidences = [{"label": each, "confidence": 0.9 if each == label else 0.03} for each in [label, *others]]
    return json.dumps({"predictions": confidences})


def feedback_path(inference_id: UUID) -> str:
    """The path of an inference's feedback."""
    return f"/ml/v1/history/{inference_id}/feedback/"


def post_feedback(client: Client, inference_id: UUID, body: Any = None, **members: Any) -> Any:
    """`POST feedback/` with raw bytes, or with members as JSON."""
    data = json.dumps(members) if body is None else body
    return client.post(feedback_path(inference_id), data, content_type="application/json")


def insert_agreements() -> None:
    """Inserts an agreement for each inference, in the order of predictions."""
    with connection.cursor() as cursor:
        cursor.execute(_MANY.format(columns=_COLUMNS))
        cursor.execute("ANALYZE ml_proxy_feedback")
