"""The WSGI layer in front of Django: reads the body, and waits for a slot."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from common.caller_presence import PRESENCE
from common.conf import settings
from common.exceptions import Busy, GatewayError
from common.refusals import REFUSAL
from tools.launch.admission.exchanges import SMALL_BYTES, Exchange, too_large
from tools.launch.admission.memory import Budget
from tools.launch.admission.presence import watch
from tools.launch.admission.routes import LIVENESS, Pools, body_limit
from tools.launch.admission.slots import Pool

MAX_LENGTH_DIGITS = 18  # of a Content-Length; Django's views refuse others
PROCESSED_PART = 4  # a quarter of the memory for bodies is for those that are processed


class Admission:
    """Lets a request into `wrapped` once its body is there and a slot is free.

    `exchanges` are the requests in progress. Event streams end once `is_stopping` is true.
    """

    def __init__(self, wrapped: WSGIApplication, is_stopping: Callable[[], bool]) -> None:
        self.exchanges: set[Exchange] = set()
        self._wrapped = wrapped
        self._is_stopping = is_stopping
        self._pools = Pools(settings.GATEWAY_THREADS)
        self._received = Budget(settings.BODY_MEMORY_BYTES)
        self._processed = Budget(max(settings.BODY_MEMORY_BYTES // PROCESSED_PART, settings.MAX_BODY_BYTES))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handles one request."""
        path = environ["PATH_INFO"]
        if path == LIVENESS:
            return _list(self._wrapped(environ, start_response))
        exchange = Exchange(environ["REMOTE_ADDR"], expects_continue="HTTP_EXPECT" in environ)
        self.exchanges.add(exchange)
        environ[PRESENCE] = partial(watch, exchange)
        try:
            if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
                return self._with_body(environ, start_response, exchange)
            exchange.complete_at = exchange.begun_at
            return self._in_slot(environ, start_response, exchange)
        except GatewayError as refusal:
            environ[REFUSAL] = refusal
            return _list(self._wrapped(environ, start_response))
        finally:
            if not exchange.is_streamed:
                self.exchanges.discard(exchange)

    def _with_body(
        self, environ: WSGIEnvironment, start_response: StartResponse, exchange: Exchange
    ) -> Iterable[bytes]:
        declared, limit = _declared(environ), body_limit(environ)
        if declared > limit:
            raise too_large(limit)
        size = limit if declared < 0 else declared
        if size <= SMALL_BYTES:
            environ["wsgi.input"] = BytesIO(exchange.read(environ["wsgi.input"], declared, limit))
            return self._in_slot(environ, start_response, exchange)
        return self._with_large_body(environ, start_response, exchange, size)

    def _with_large_body(
        self, environ: WSGIEnvironment, start_response: StartResponse, exchange: Exchange, size: int
    ) -> Iterable[bytes]:
        try:
            self._received.take(size)
        except Busy:
            exchange.skip(environ["wsgi.input"], size)
            raise
        try:
            body = exchange.read(environ["wsgi.input"], _declared(environ), size)
            environ["wsgi.input"] = BytesIO(body)
            self._processed.take(len(body))
            try:
                return self._in_slot(environ, start_response, exchange)
            finally:
                self._processed.give(len(body))
        finally:
            self._received.give(size)

    def _in_slot(self, environ: WSGIEnvironment, start_response: StartResponse, exchange: Exchange) -> Iterable[bytes]:
        pool = self._pools.of(environ["PATH_INFO"])
        slot = pool.take()
        try:
            slot.enter()
            response: Any = self._wrapped(environ, start_response)
            if not getattr(response, "streaming", True):
                return _list(response)
            exchange.is_streamed = True
            return Streamed(response, pool, self._is_stopping, lambda: self.exchanges.discard(exchange))
        finally:
            slot.leave()


class Streamed:
    """A response body whose pieces are made in a slot; none is held while the caller reads."""

    def __init__(self, response: Any, pool: Pool, is_stopping: Callable[[], bool], closed: Callable[[], None]) -> None:
        self._response = response
        self._pieces: Iterator[bytes] = iter(response)
        self._pool = pool
        self._is_stopping = is_stopping
        self._closed = closed
        take_pauses: Callable[[], Callable[[], None]] | None = getattr(response, "take_pauses", None)
        self._pause = take_pauses() if take_pauses else None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while self._pause:  # an event stream: it pauses without a slot, and has nothing to say most of the time
            self._pause()
            if self._is_stopping():
                raise StopIteration
            if piece := self._next():
                return piece
        return self._next()

    def _next(self) -> bytes:
        slot = self._pool.take(patiently=True)  # the status is sent already, so no refusal is possible
        try:
            slot.enter()
            return next(self._pieces)
        finally:
            slot.leave()

    def close(self) -> None:
        """Ends the response."""
        try:
            self._response.close()
        finally:
            self._closed()


def _list(response: Any) -> Iterable[bytes]:
    """The whole body as a list, which granian sends without another call; the response is closed."""
    if getattr(response, "streaming", True):
        return response  # type: ignore[no-any-return]
    try:
        return [response.content]
    finally:
        response.close()


def _declared(environ: WSGIEnvironment) -> int:
    """The declared size of the body; -1 if it is sent in chunks."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS:
        return int(length)
    return -1
