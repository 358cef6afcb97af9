"""The requests in this process that have no answer yet: how far each one's body is, and when it is late."""

import time
from typing import Any

from common.conf import settings
from common.exceptions import BadInput, BodyTooLarge, BodyTooSlow

SMALL_BYTES = 64 * 1024  # a longer body is read in pieces
PIECE_BYTES = 256 * 1024


class Exchange:
    """A request: the caller's address, and times in `time.monotonic()` seconds."""

    __slots__ = ("address", "begun_at", "complete_at", "expects_continue", "is_late", "is_streamed", "received")

    def __init__(self, address: str, *, expects_continue: bool = False) -> None:
        self.address = address
        self.expects_continue = expects_continue  # then the caller gets "100 Continue" before it sends the body
        self.is_streamed = False  # whether its response has begun, and may pause
        self.begun_at = time.monotonic()
        self.complete_at = 0.0  # when the body was complete; 0 before
        self.received = 0  # bytes of the body, in whole pieces
        self.is_late = False  # set when its connection is cut off

    def is_overdue(self, now: float, seconds: float) -> bool:
        """Whether the body should be complete by now."""
        return now - self.begun_at > seconds + self.received / settings.BODY_BYTES_PER_SECOND

    def read(self, stream: Any, declared: int, limit: int) -> bytes:
        """The body. `declared` is its size in bytes, or -1 if it is sent in chunks.

        Raises `BodyTooLarge`, `BodyTooSlow` or `BadInput`.
        """
        body = stream.read(declared) if 0 <= declared <= SMALL_BYTES else self._read_pieces(stream, declared, limit)
        self.complete_at = time.monotonic()
        if self.is_late and (len(body) < declared or declared < 0):  # the end of chunks does not show
            raise late()
        if len(body) < declared:
            raise BadInput("The body ended early.")
        return bytes(body)

    def skip(self, stream: Any, size: int) -> None:
        """Reads the body and drops it: a caller that still sends would not see the answer. Raises `BodyTooSlow`."""
        while self.received < size and (piece := stream.read(min(PIECE_BYTES, size - self.received))):
            self.received += len(piece)
            self._refuse_late()
        self.complete_at = time.monotonic()

    def _read_pieces(self, stream: Any, declared: int, limit: int) -> bytes:
        pieces: list[bytes] = []
        wanted = declared if declared >= 0 else limit + 1
        while self.received < wanted and (piece := stream.read(min(PIECE_BYTES, wanted - self.received))):
            pieces.append(piece)
            self.received += len(piece)
            self._refuse_late()
        if self.received > limit:
            raise too_large(limit)
        return b"".join(pieces)

    def _refuse_late(self) -> None:
        if self.is_overdue(time.monotonic(), settings.BODY_SECONDS):
            raise late()


def late() -> BodyTooSlow:
    """The error for a body that did not arrive in time."""
    return BodyTooSlow(
        f"The body did not arrive within {settings.BODY_SECONDS:g} s (BODY_SECONDS), or slower than "
        f"{settings.BODY_BYTES_PER_SECOND} bytes per second (BODY_BYTES_PER_SECOND). Nothing was done."
    )


def too_large(limit: int) -> BodyTooLarge:
    """The error for a body over the limit."""
    return BodyTooLarge(f"The body may have at most {limit} bytes on this path.")
