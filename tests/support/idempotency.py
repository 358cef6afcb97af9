"""Predictions with an `Idempotency-Key`."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from ml_proxy.models import IdempotencyKey
from tests.support.gateway import BODY, predict

RAW = json.dumps(BODY).encode()
TABLE = IdempotencyKey._meta.db_table
DAY = timedelta(hours=24)


def predict_with_key(client: Client, body: Any = RAW, key: str = "visit-7", **fields: Any) -> Any:
    """One prediction with a key."""
    return predict(client, body, HTTP_IDEMPOTENCY_KEY=key, **fields)


def ago(**time: float) -> datetime:
    """A time in the past."""
    return datetime.now(UTC) - timedelta(**time)
