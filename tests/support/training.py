"""A model server that trains, line by line, as a script says."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.model import Conversation, Script
from tests.support.waiting import DEADLINE_SECONDS

RESULT = {"model": {"name": "stub", "version": "8"}, "metrics": {"accuracy": 0.98}}


def line(event: str, **members: Any) -> bytes:
    """One event."""
    return json.dumps({"event": event, **members}).encode() + b"\n"


class Stream:
    """An answer under way, in chunks."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        conversation.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    def send(self, data: bytes) -> None:
        """One chunk."""
        self._conversation.send(b"%x\r\n%s\r\n" % (len(data), data))

    def progress(self, percent: Any, message: Any) -> None:
        """One event of progress."""
        self.send(line("progress", percent=percent, message=message))

    def end(self, **result: Any) -> None:
        """The result, and the answer's end."""
        self.send(line("result", **(result or RESULT)))
        self._conversation.send(b"0\r\n\r\n")


def trains(script: Callable[[Stream], None]) -> Script:
    """A script whose answer is streamed."""
    return lambda conversation: script(Stream(conversation))


def closes(*pieces: bytes) -> Script:
    """A script: these bytes of newline-delimited JSON, of a length that only the connection's end tells."""

    def script(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n\r\n")
        for piece in pieces:
            conversation.send(piece)
        conversation.sock.close()

    return script


def is_hung_up(conversation: Conversation, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the caller closes the connection within that time."""
    conversation.sock.settimeout(seconds)
    try:
        return conversation.sock.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False
