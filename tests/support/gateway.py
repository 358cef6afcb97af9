"""Helpers for tests of the gateway: predictions, checks of problem responses, and scripts of the model server."""

import json
import socket
import struct
from collections.abc import Callable
from typing import Any

from django.test import Client

from ml_proxy.records import InferenceRecord
from tests.support.model import Conversation

Journaled = Callable[[], list[InferenceRecord]]

BODY = {"doctor_name": "Dr. Kim", "patient_name": "Lee", "x": 1}
PREFIX = "urn:ml-proxy:problem:"


def predict(gateway: Client, body: Any = BODY, **fields: Any) -> Any:
    """`POST predict/` with raw bytes or text, or with a value as JSON."""
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return gateway.generic("POST", "/ml/v1/predict/", data, **{"CONTENT_TYPE": "application/json", **fields})


def assert_problem(response: Any, status: int, kind: str) -> dict[str, Any]:
    """Checks that the response is a complete problem of this status and kind; returns its members."""
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    members: dict[str, Any] = json.loads(response.content)
    assert set(members) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert (members["type"], members["status"]) == (PREFIX + kind, status)
    assert members["request_id"] == response["X-Request-ID"] != ""
    assert all(isinstance(members[name], str) and members[name] for name in ("title", "detail"))
    assert response["Cache-Control"] == "no-store"
    assert "X-Inference-ID" not in response
    return members


def sends(*pieces: bytes) -> Callable[[Conversation], None]:
    """A script that sends these bytes and closes the connection."""

    def script(conversation: Conversation) -> None:
        conversation.send(b"".join(pieces))
        conversation.sock.close()

    return script


def sends_and_stays_open(*pieces: bytes) -> Callable[[Conversation], None]:
    """A script that sends these bytes and keeps the connection open."""
    return lambda conversation: conversation.send(b"".join(pieces))


def resets(conversation: Conversation) -> None:
    """A script that sends an RST instead of a response."""
    conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conversation.sock.close()
