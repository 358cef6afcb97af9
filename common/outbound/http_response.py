"""A response as it arrives, read by llhttp, the parser of Node.js, in its strict mode: https://github.com/nodejs/llhttp.

It takes nothing for HTTP that isn't: a field's name that is no token, a control character, a folded line, two lengths,
a length beside chunks. What it lets through and cannot be used is refused here.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from requests.exceptions import ChunkedEncodingError
from urllib3 import HTTPHeaderDict, HTTPResponse

from common.outbound.connection import Connection, Heard
from common.outbound.exceptions import BadResponse, HeadTooLarge, Mapped

MAX_HEAD_BYTES = 64 * 1024
ERRORS_FROM = 400

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

Fields = list[tuple[str, str]]


class RawResponse:
    """One response on a connection: the `raw` of a `requests.Response`, as far as `requests` and readers ask for it.

    `status`, `reason` and `fields` are there once `read_head` has returned. Whatever comes before it with an interim
    status (RFC 9110, section 15.2) is passed over. `keep` is given the connection when it can serve another exchange.
    """

    def __init__(self, connection: Connection, keep: Callable[[Connection], None], *, has_body: bool = True) -> None:
        self.status = 0
        self.fields: Fields = []
        self._first: dict[str, str] = {}  # of each name, in lower case, the first value
        self._connection = connection
        self._keep = keep
        self._has_body = has_body
        self._parser: Any = HttpResponseParser(self)
        self._reason = b""
        self._head_bytes = 0  # that came up to the piece which ends the head
        self._pieces: list[bytes] = []
        self._left = bytearray()  # of a body that is read by sizes
        self._reading: Iterator[bytes] = self._body()
        self._headers: HTTPHeaderDict | None = None
        self._has_begun = self._has_head = self._is_complete = self._is_closed = False
        self._may_go_on = self._is_followed = self._is_broken = False

    @property
    def reason(self) -> str:
        """The words beside the status."""
        return self._reason.decode("latin-1")

    @property
    def headers(self) -> HTTPHeaderDict:
        """The fields, repeated ones kept apart."""
        if self._headers is None:
            self._headers = HTTPHeaderDict(self.fields)
        return self._headers

    @property
    def closed(self) -> bool:
        """Whether nothing more can be read."""
        return self._is_closed and not self._left

    def field(self, name: str) -> str:
        """The first value of a field, its name in lower case; blank where there is none."""
        return self._first.get(name, "")

    def listen(self) -> Heard:
        """Looks, without a wait, at what has come before the request was sent. Raises as `read_head` does."""
        data = self._connection.receive_now()
        if data is not None:
            self._take(data)
        if not self._has_head:
            return Heard.NOTHING
        return Heard.REFUSAL if self.status >= ERRORS_FROM or self._is_complete else Heard.ANSWER

    def read_head(self) -> None:
        """Reads up to the body. Raises `RequestException`, or `OSError` as it comes."""
        while not self._has_head:
            self._take(self._connection.receive())
        self._refuse_unusable()
        if not self._has_body:
            self._is_complete, self._may_go_on = True, False

    def stream(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body as it comes; undone of its content coding if asked for. Raises `RequestException`."""
        return self._decoded(amt) if decode_content and self.field("content-encoding") else self._reading

    def read(self, amt: int | None = None) -> bytes:
        """At most `amt` bytes of the body as it comes, or all of it. Raises `RequestException`."""
        while (amt is None or len(self._left) < amt) and (piece := next(self._reading, b"")):
            self._left += piece
        size = len(self._left) if amt is None else amt
        found = bytes(self._left[:size])
        del self._left[:size]
        return found

    def close(self) -> None:
        """Ends the exchange: what is left unread must not reach the connection's next user."""
        if not self._is_closed:
            self._end_exchange(self._connection.close)

    def release_conn(self) -> None:
        """As `close`; a connection that can serve again was given back when the body ended."""
        self.close()

    def _body(self) -> Iterator[bytes]:
        while not self._is_closed:
            yield from self._pieces
            self._pieces.clear()
            if self._is_complete:
                self._finish()
                return
            self._receive_body()

    def _receive_body(self) -> None:
        try:
            if self._is_broken:
                raise ChunkedEncodingError("the response broke off, or is not HTTP")
            with Mapped("body"):
                self._take(self._connection.receive())
        except BaseException:
            self.close()
            raise

    def _decoded(self, amt: int | None) -> Iterator[bytes]:
        coding, body = {"Content-Encoding": self.headers["content-encoding"]}, cast("IO[bytes]", self)
        return HTTPResponse(body, coding, self.status, preload_content=False).stream(amt, decode_content=True)

    def _finish(self) -> None:
        can_serve_again = self._may_go_on and not self._is_followed and not self._connection.is_spent
        self._end_exchange(partial(self._keep, self._connection) if can_serve_again else self._connection.close)

    def _end_exchange(self, leave_connection: Callable[[], None]) -> None:
        self._is_closed = True
        self._parser, self._reading = None, iter(())  # they hold this object, and would until a sweep
        leave_connection()

    def _take(self, data: memoryview) -> None:
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
            self._is_followed = True
            self._is_broken = not self._is_complete

    def _end(self) -> None:
        """The connection has been closed, which some responses end with."""
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
            raise BadResponse("the response is in a transfer coding that nobody asked for")

    # What llhttp calls, in this order, for each response that it finds.

    def on_message_begin(self) -> None:
        """Something that looks like a response."""
        self._is_followed = self._is_complete
        self._has_begun = True

    def on_status(self, part: bytes) -> None:
        """Some of the reason."""
        if not self._has_head:
            self._reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field; behind the body, one of its trailer, which ends here as hop-by-hop fields do."""
        if not self._has_head:
            field = name.decode("latin-1"), value.strip().decode("latin-1")
            self.fields.append(field)
            self._first.setdefault(field[0].lower(), field[1])

    def on_headers_complete(self) -> None:
        """The body is next."""
        status = self._parser.get_status_code()
        if not self._has_head and status >= 200:
            self.status, self._has_head = status, True
            self._may_go_on = self._parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """Some of it."""
        if not self._is_complete:
            self._pieces.append(part)

    def on_message_complete(self) -> None:
        """Its end; of one with an interim status, the end of what is passed over."""
        if self._has_head:
            self._is_complete = True
        else:
            self.fields.clear()
            self._first.clear()
            self._reason, self._head_bytes, self._has_begun = b"", 0, False
