"""Decides where waitress runs a request: in a thread, or, together with others, in the loop that reads them."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from threading import get_ident
from time import perf_counter
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import Task, ThreadedTaskDispatcher

from ml_server.access_log import log_exchange
from ml_server.form_body import MULTIPART

PREDICT_PATH = "/api/v1/predict"
MAX_BYTES = 64 * 1024  # of a body that is parsed in the loop: a larger one would delay all connections

Predict = Callable[[Sequence[bytes]], list[bytes | None]]


class BatchingDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc] # waitress has no types
    """Answers the small predictions of one turn of waitress's loop together, and runs all other requests in threads.

    One turn reads from every connection that has something to read. So a prediction waits for nothing: alone, it is
    computed at once, without a switch to another thread and back; otherwise with those that arrived meanwhile.
    """

    def __init__(self, predict: Predict, size: int) -> None:
        """`predict` returns an answer for each body, or None to leave it to a thread. It gets at most `size` bodies."""
        super().__init__()
        self._predict = predict
        self._size = size
        self._gathered: deque[Any] = deque()
        self._loop_thread = get_ident()

    def add_task(self, task: Any) -> None:
        """Takes a channel whose first request is complete."""
        if self._size > 1 and get_ident() == self._loop_thread and _is_small_prediction(task.requests[0]):
            self._gathered.append(task)
        else:
            super().add_task(task)

    def outside_the_loop(self, wake: Callable[[], None]) -> Callable[[], None]:
        """`wake`, which makes the loop begin another turn, without effect in the loop's own thread: the turn comes."""

        def wake_from_elsewhere() -> None:
            if get_ident() != self._loop_thread:
                wake()

        return wake_from_elsewhere

    def answer_gathered(self) -> None:
        """Call this in the loop's thread, after each turn."""
        while self._gathered:
            started = perf_counter()
            count = min(self._size, len(self._gathered))
            answers = self._predict([_read_body(self._gathered[number].requests[0]) for number in range(count)])
            for answer in answers:
                self._answer(self._gathered.popleft(), answer, started)

    def _answer(self, channel: Any, answer: bytes | None, started: float) -> None:
        if answer is None:
            super().add_task(channel)
            return
        request_id = channel.requests[0].headers.get("X_REQUEST_ID", "-")
        channel.respond(answer)
        log_exchange("POST", PREDICT_PATH, HTTPStatus.OK, perf_counter() - started, request_id)


class AnswerTask(Task):  # type: ignore[misc] # waitress has no types
    """Sends a JSON body that is ready."""

    def __init__(self, channel: Any, request: Any, *, body: bytes) -> None:
        super().__init__(channel, request)
        self._body = body

    def execute(self) -> None:
        """Writes head and body at once; waitress would make two packets of them."""
        self.response_headers = [("Content-Type", "application/json")]
        self.content_length = len(self._body)
        head = self.build_response_header()
        self.wrote_header = True
        self.channel.write_soon(head + self._body)


class BatchChannel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection that can be answered without running the application."""

    def respond(self, body: bytes) -> None:
        """Answers the first request with `body`, and does all that `service` does around it."""
        self.task_class = partial(AnswerTask, body=body)
        try:
            self.service()
        finally:
            del self.task_class


def _is_small_prediction(request: Any) -> bool:
    return (
        request.error is None
        and request.command == "POST"
        and request.path == PREDICT_PATH
        and request.body_rcv is not None
        and len(request.body_rcv) <= MAX_BYTES
        and not request.headers.get("CONTENT_TYPE", "").lower().startswith(MULTIPART)
    )


def _read_body(request: Any) -> bytes:
    """The body, which can be read again."""
    stream = request.get_body_stream()
    raw: bytes = stream.read()
    stream.seek(0)
    return raw
