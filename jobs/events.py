"""A job's progress as server-sent events.

    event: progress     data: id, state, progress            after each change
    event: end          data: the whole job                  the last one
    event: unavailable  data: what to do                     the last one, if the database is away

A stream ends after `JOB_EVENTS_SECONDS`; a browser's EventSource connects again by itself. Comments in between show
both sides that the other is still there. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.http import StreamingHttpResponse

from common.exceptions import NoSuchRecord
from common.responses import NO_STORE, as_json
from common.stream_turns import LISTENERS, Turn
from jobs.models import Job
from jobs.queries import find
from jobs.representation import progress_of

MEDIA_TYPE = "text/event-stream"
EVENT_SCHEMA = {  # of one event; programs that test APIs check each
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string", "enum": ["progress", "end", "unavailable"], "description": "What happened."},
        "data": {"type": "string", "description": "The job, or its id and progress, as JSON."},
    },
}
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 10.0
_RECONNECT_MILLISECONDS = 1000


class EventStream(StreamingHttpResponse):
    """The events of a job, until it ends.

    The server in front of Django may take the pauses between polls upon itself (`take_pauses`), so that a listener
    holds no slot while nothing happens. A piece may then be empty.
    """

    def __init__(self, job: Job, shown: Callable[[Job], dict[str, Any]], turn: Turn) -> None:
        self._events = _Events(job, shown)
        self._turn: Turn | None = turn
        headers = {**NO_STORE, "X-Accel-Buffering": "no"}
        super().__init__(self._events, content_type=f"{MEDIA_TYPE}; charset=utf-8", headers=headers)

    def take_pauses(self) -> Callable[[], None]:
        """The function that pauses. From now on the caller has to call it before each piece."""
        self._events.pauses = False
        return self._events.pause

    def close(self) -> None:
        """Lets another listener have the place."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.end()
        super().close()


def listen(job: Job, shown: Callable[[Job], dict[str, Any]], request: Any) -> EventStream:
    """The events of a job. Raises `TooManyRequests` or `Busy` if as many listen as may."""
    return EventStream(job, shown, Turn(request, LISTENERS))


class _Events:
    """The pieces of the stream; a piece is empty if nothing has changed."""

    def __init__(self, job: Job, shown: Callable[[Job], dict[str, Any]]) -> None:
        self.pauses = True
        self._is_looking = False  # whether the next piece needs a look at the job after this one
        self._pieces = self._all(job, shown)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while True:
            if self.pauses:
                self.pause()
            piece = next(self._pieces)
            if piece or not self.pauses:
                return piece

    def pause(self) -> None:
        """Waits before the next look at the job, except before the first one and after the last."""
        if self._is_looking:
            time.sleep(POLL_SECONDS)

    def _all(self, job: Job, shown: Callable[[Job], dict[str, Any]]) -> Iterator[bytes]:
        yield b"retry: %d\n\n" % _RECONNECT_MILLISECONDS
        for piece, self._is_looking in _looks(job, shown):
            yield piece


def _looks(job: Job, shown: Callable[[Job], dict[str, Any]]) -> Iterator[tuple[bytes, bool]]:
    """The piece of each look at the job, and whether another look follows."""
    ends_at, spoke_at = time.monotonic() + settings.JOB_EVENTS_SECONDS, time.monotonic()
    told: Any = None
    while time.monotonic() < ends_at:
        try:
            job = find(job.id)
            told, piece = _news(job, shown, told)
        except NoSuchRecord:
            yield _event("end", {"id": job.id, "detail": "The job was deleted."}), False
            return
        except Error:
            connection.close()
            detail = "The database is not available. Try again soon."
            yield _event("unavailable", {"id": job.id, "detail": detail}), False
            return
        if piece or time.monotonic() - spoke_at > HEARTBEAT_SECONDS:
            spoke_at = time.monotonic()
            piece = piece or b": still there\n\n"
        yield piece, job.state in Job.ACTIVE
        if job.state not in Job.ACTIVE:
            return
    yield b": connect again\n\n", False


def _news(job: Job, shown: Callable[[Job], dict[str, Any]], told: Any) -> tuple[Any, bytes]:
    """What was told now, and the event; it is empty if that was told before."""
    if job.state not in Job.ACTIVE:
        return told, _event("end", shown(job))
    now = progress_of(job)
    return now, b"" if now == told else _event("progress", now)


def _event(name: str, data: Any) -> bytes:
    """One event. Line breaks in stored JSON texts begin new `data` fields, which the reader joins again."""
    lines = as_json(data).splitlines()
    return b"event: %b\n%b\n\n" % (name.encode(), b"\n".join(b"data: " + line for line in lines))
