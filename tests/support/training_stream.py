"""Scripts of the model server for trainings: a response line by line."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.model import Conversation, Script
from tests.support.wait import DEADLINE_SECONDS

RESULT = {"model": {"name": "stub", "version": "8"}, "metrics": {"accuracy": 0.98}}


def event_line(event: str, **members: Any) -> bytes:
    """One event as a line."""
    return json.dumps({"event": event, **members}).encode() + b"\n"


class Stream:
    """A response in chunks."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        conversation.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    def send(self, data: bytes) -> None:
        """Sends one chunk."""
        self._conversation.send(b"%x\r\n%s\r\n" % (len(data), data))

    def progress(self, percent: Any, message: Any) -> None:
        """Sends a progress event."""
        self.send(event_line("progress", percent=percent, message=message))

    def end(self, **result: Any) -> None:
        """Sends the result, and ends the response."""
        self.send(event_line("result", **(result or RESULT)))
        self._conversation.send(b"0\r\n\r\n")


def trains(script: Callable[[Stream], None]) -> Script:
    """A script that streams its response."""
    return lambda conversation: script(Stream(conversation))


def closes(*pieces: bytes) -> Script:
    """A script that sends these bytes of NDJSON without a length, and closes the connection."""

    def script(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n\r\n")
        for piece in pieces:
            conversation.send(piece)
        conversation.sock.close()

    return script


def is_closed_by_caller(conversation: Conversation, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the caller closes the connection within `seconds`."""
    conversation.sock.settimeout(seconds)
    try:
        return conversation.sock.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False
