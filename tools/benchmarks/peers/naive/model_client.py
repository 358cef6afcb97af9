"""Calls the model server; all three forms use it."""

import json
from typing import Any

import requests
from django.conf import settings


def call_model(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the model's answer to a request body."""
    answer = requests.post(f"{settings.ML_SERVER_URL}/api/v1/predict", json=body, timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def row_fields(body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Returns the columns of a row."""
    return {
        "doctor_name": body["doctor_name"],
        "patient_name": body["patient_name"],
        "input_data": body,
        "output_data": answer,
    }


def read(raw: bytes) -> dict[str, Any]:
    """Parses a request body."""
    body: dict[str, Any] = json.loads(raw)
    return body
