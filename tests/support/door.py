"""What the tests in front of a scripted model share: asking, and what a problem looks like."""

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
    """`POST predict/`, with bytes as they are or a value as JSON."""
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return gateway.generic("POST", "/ml/v1/predict/", data, **{"CONTENT_TYPE": "application/json", **fields})


def problem(response: Any, status: int, kind: str) -> dict[str, Any]:
    """The problem that the answer holds, which must be whole and of this kind."""
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    found: dict[str, Any] = json.loads(response.content)
    assert set(found) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert (found["type"], found["status"]) == (PREFIX + kind, status)
    assert found["request_id"] == response["X-Request-ID"] != ""
    assert all(isinstance(found[name], str) and found[name] for name in ("title", "detail"))
    assert response["Cache-Control"] == "no-store"
    assert "X-Inference-ID" not in response
    return found


def sends(*pieces: bytes) -> Callable[[Conversation], None]:
    """A script: these bytes, then the connection is closed."""

    def script(conversation: Conversation) -> None:
        conversation.send(b"".join(pieces))
        conversation.sock.close()

    return script


def keeps(*pieces: bytes) -> Callable[[Conversation], None]:
    """A script: these bytes, and the connection stays open."""
    return lambda conversation: conversation.send(b"".join(pieces))


def resets(conversation: Conversation) -> None:
    """A script: an RST instead of an answer."""
    conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conversation.sock.close()
