"""Reads a response with llhttp, the parser of Node.js, in strict mode: https://github.com/nodejs/llhttp.

It refuses invalid HTTP: field names that are not tokens, control characters, folded lines, two lengths, or a length
with chunks. This module refuses some more responses that a gateway cannot use.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from requests.exceptions import ChunkedEncodingError
from urllib3 import HTTPHeaderDict, HTTPResponse

from common.outbound.connection import Connection, EarlyResponse
from common.outbound.exceptions import BadResponse, HeadTooLarge, Mapped

MAX_HEAD_BYTES = 64 * 1024
MIN_ERROR_STATUS = 400

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

Fields = list[tuple[str, str]]


class RawResponse:
    """One response on a connection, for the attribute `raw` of `requests.Response`.

    `status`, `reason` and `fields` are set after `read_head`, which skips interim responses (RFC 9110, section 15.2).
    `keep` gets the connection back if it can serve another exchange.
    """

    def __init__(self, connection: Connection, keep: Callable[[Connection], None], *, has_body: bool = True) -> None:
        self.status = 0
        self.fields: Fields = []
        self._first: dict[str, str] = {}  # the first value of each name in lower case
        self._connection = connection
        self._keep = keep
        self._has_body = has_body
        self._parser: Any = HttpResponseParser(self)
        self._reason = b""
        self._head_bytes = 0  # received up to the end of the head
        self._received: list[bytes] = []
        self._unread = bytearray()  # bytes of the body for the next `read`
        self._parts: Iterator[bytes] = self._body()
        self._headers: HTTPHeaderDict | None = None
        self._has_begun = self._has_head = self._is_complete = self._is_closed = False
        self._keeps_alive = self._has_extra_data = self._is_broken = False

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason.decode("latin-1")

    @property
    def headers(self) -> HTTPHeaderDict:
        """The header fields; repeated ones stay separate."""
        if self._headers is None:
            self._headers = HTTPHeaderDict(self.fields)
        return self._headers

    @property
    def closed(self) -> bool:
        """Whether nothing more can be read."""
        return self._is_closed and not self._unread

    def field(self, name: str) -> str:
        """The first value of a header field, by its name in lower case; blank if there is none."""
        return self._first.get(name, "")

    def listen(self) -> EarlyResponse:
        """Reads, without waiting, what the server sends during the request. Raises as `read_head`."""
        data = self._connection.receive_now()
        if data is not None:
            self._process(data)
        if not self._has_head:
            return EarlyResponse.NOTHING
        return EarlyResponse.REFUSAL if self.status >= MIN_ERROR_STATUS or self._is_complete else EarlyResponse.HEAD

    def read_head(self) -> None:
        """Reads the head. Raises `RequestException`, or an unmapped `OSError`."""
        while not self._has_head:
            self._process(self._connection.receive())
        self._refuse_unusable()
        if not self._has_body:
            self._is_complete, self._keeps_alive = True, False

    def stream(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
        """The parts of the body as they arrive, decoded if `decode_content`. Raises `RequestException`."""
        return self._decoded(amt) if decode_content and self.field("content-encoding") else self._parts

    def read(self, amt: int | None = None) -> bytes:
        """At most `amt` bytes of the body, or all of it; not decoded. Raises `RequestException`."""
        while (amt is None or len(self._unread) < amt) and (piece := next(self._parts, b"")):
            self._unread += piece
        size = len(self._unread) if amt is None else amt
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def close(self) -> None:
        """Ends the exchange. Closes the connection if the body was not read completely."""
        if not self._is_closed:
            self._end_exchange(self._connection.close)

    def release_conn(self) -> None:
        """As `close`; a reusable connection returned to the pool at the end of the body."""
        self.close()

    def _body(self) -> Iterator[bytes]:
        while not self._is_closed:
            yield from self._received
            self._received.clear()
            if self._is_complete:
                self._finish()
                return
            self._receive_body()

    def _receive_body(self) -> None:
        try:
            if self._is_broken:
                raise ChunkedEncodingError("the response broke off, or is not HTTP")
            with Mapped("body"):
                self._process(self._connection.receive())
        except BaseException:
            self.close()
            raise

    def _decoded(self, amt: int | None) -> Iterator[bytes]:
        coding, body = {"Content-Encoding": self.headers["content-encoding"]}, cast("IO[bytes]", self)
        return HTTPResponse(body, coding, self.status, preload_content=False).stream(amt, decode_content=True)

    def _finish(self) -> None:
        can_serve_again = self._keeps_alive and not self._has_extra_data and not self._connection.is_spent
        self._end_exchange(partial(self._keep, self._connection) if can_serve_again else self._connection.close)

    def _end_exchange(self, leave_connection: Callable[[], None]) -> None:
        self._is_closed = True
        self._parser, self._parts = None, iter(())  # breaks cycles that would need garbage collection
        leave_connection()

    def _process(self, data: memoryview) -> None:
        if not data:
            self._end()
            return
        allowed = len(data) if self._has_head else MAX_HEAD_BYTES - self._head_bytes
        self._head_bytes += min(len(data), allowed)
        self._feed(data[:allowed])
        if not self._has_head and self._head_bytes >= MAX_HEAD_BYTES:
            raise HeadTooLarge(f"the head of the response is longer than {MAX_HEAD_BYTES} bytes")
        if len(data) > allowed:
            self._feed(data[allowed:])

    def _feed(self, data: memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as exc:
            if not self._has_head:
                raise BadResponse("the response is not HTTP, or changes the protocol") from exc
            self._has_extra_data = True
            self._is_broken = not self._is_complete

    def _end(self) -> None:
        """Handles the end of the connection, which some responses end with."""
        if not self._has_begun:
            raise ConnectionResetError("closed without a response")
        if not self._has_head:
            raise BadResponse("the response broke off")
        self._is_complete = not (self.field("content-length") or self.field("transfer-encoding"))
        self._is_broken = not self._is_complete

    def _refuse_unusable(self) -> None:
        if self._parser.get_http_version() not in {"1.0", "1.1"} or _CONTROL.search(self._reason):
            raise BadResponse("the head of the response is not HTTP/1")
        if self.field("transfer-encoding").lower() not in {"", "chunked"}:
            raise BadResponse("the response has an unsupported transfer coding")

    # Callbacks of llhttp, in this order for each response.

    def on_message_begin(self) -> None:
        """A response begins."""
        self._has_extra_data = self._is_complete
        self._has_begun = True

    def on_status(self, part: bytes) -> None:
        """A part of the reason phrase."""
        if not self._has_head:
            self._reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field. After the body it is a trailer field, which a gateway may drop."""
        if not self._has_head:
            field = name.decode("latin-1"), value.strip().decode("latin-1")
            self.fields.append(field)
            self._first.setdefault(field[0].lower(), field[1])

    def on_headers_complete(self) -> None:
        """The head ends."""
        status = self._parser.get_status_code()
        if not self._has_head and status >= 200:
            self.status, self._has_head = status, True
            self._keeps_alive = self._parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        if not self._is_complete:
            self._received.append(part)

    def on_message_complete(self) -> None:
        """The response ends; an interim response is discarded."""
        if self._has_head:
            self._is_complete = True
        else:
            self.fields.clear()
            self._first.clear()
            self._reason, self._head_bytes, self._has_begun = b"", 0, False
