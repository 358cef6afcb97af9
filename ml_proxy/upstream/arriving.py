"""An answer as it arrives, read by llhttp, the parser of Node.js, in its strict mode: https://github.com/nodejs/llhttp.

It takes nothing for HTTP that isn't: a field's name that is no token, a control character, a folded line, two lengths,
a length beside chunks. What it lets through and this door does not is refused here.
"""

import re
from collections.abc import Iterator

from httptools import HttpParserError, HttpResponseParser

from ml_proxy.exceptions import UpstreamBroken, UpstreamRedirected, UpstreamTooLarge
from ml_proxy.upstream.connection import Connection
from ml_proxy.upstream.headers import Fields  # noqa: TC001 - as elsewhere in this package

MOST_HEAD_BYTES = 64 * 1024
NO_CONTENT, NOT_MODIFIED = 204, 304

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Arriving:
    """One answer on a connection. `status`, `reason` and `fields` are there once `read_head` has returned.

    Whatever comes before it with an interim status (RFC 9110, section 15.2) is passed over.
    """

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        self.fields: Fields = []
        self._first: dict[str, str] = {}  # of each name, in lower case, the first value
        self._connection = connection
        self._parser = HttpResponseParser(self)
        self._reason = b""
        self._head_bytes = 0  # that came up to the piece which ends the head
        self._pieces: list[bytes] = []
        self._has_begun = self._has_head = self._is_complete = False
        self._may_go_on = self._is_followed = False

    @property
    def reason(self) -> str:
        """The words beside the status."""
        return self._reason.decode("latin-1")

    @property
    def leaves_room(self) -> bool:
        """Whether the answer has ended where it said, and the connection can serve another exchange."""
        return self._is_complete and self._may_go_on and not self._is_followed

    def field(self, name: str) -> str:
        """The first value of a field, its name in lower case; blank where there is none."""
        return self._first.get(name, "")

    def read_head(self) -> None:
        """Reads up to the body. Raises `UpstreamError` or `OSError`."""
        while not self._has_head:
            self._receive()
        self._refuse_unusable()

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, content coding and all. Raises `UpstreamError` or `OSError`."""
        while True:
            yield from self._pieces
            self._pieces.clear()
            if self._is_complete:
                return
            self._receive()

    def whole(self, cap: int) -> bytes:
        """All of the body; no more than `cap` bytes of it are ever held. Raises as `pieces` does."""
        size, found = self._declared, []
        if size <= cap:
            size = 0
            for piece in self.pieces():
                size += len(piece)
                if size > cap:
                    break
                found.append(piece)
        if size > cap:
            raise UpstreamTooLarge(f"The model server's answer is over the cap of {cap} bytes (MAX_ANSWER_BYTES).")
        return b"".join(found)

    @property
    def _declared(self) -> int:
        """The body's length where the answer tells it, else 0."""
        return 0 if self.status in {NO_CONTENT, NOT_MODIFIED} else int(self.field("content-length") or 0)

    def _receive(self) -> None:
        data = self._connection.receive()
        if not data:
            self._end()
            return
        allowed = len(data) if self._has_head else MOST_HEAD_BYTES - self._head_bytes
        self._head_bytes += min(len(data), allowed)
        self._feed(data[:allowed])
        if not self._has_head and self._head_bytes >= MOST_HEAD_BYTES:
            raise UpstreamBroken(f"The head of the model server's answer is longer than {MOST_HEAD_BYTES} bytes.")
        if len(data) > allowed:
            self._feed(data[allowed:])

    def _feed(self, data: memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError as exc:
            if not self._is_complete:
                raise UpstreamBroken("The model server's answer is not HTTP.") from exc
            self._is_followed = True

    def _end(self) -> None:
        """The connection has been closed, which some answers end with."""
        if not self._has_begun:
            raise ConnectionResetError("closed without an answer")
        if not self._has_head or self.field("content-length") or self.field("transfer-encoding"):
            raise UpstreamBroken("The model server's answer broke off.")
        self._is_complete = True

    def _refuse_unusable(self) -> None:
        if 300 <= self.status < 400 and self.status != NOT_MODIFIED:
            raise UpstreamRedirected(f"The model server redirects ({self.status}), and this door follows no redirect.")
        if self._parser.get_http_version() not in {"1.0", "1.1"} or _CONTROL.search(self._reason):
            raise UpstreamBroken("The head of the model server's answer is not HTTP/1.")
        if self.field("transfer-encoding").lower() not in {"", "chunked"}:
            raise UpstreamBroken("The model server's answer is in a transfer coding that nobody asked for.")

    # What llhttp calls, in this order, for each answer that it finds.

    def on_message_begin(self) -> None:
        """Something that looks like an answer."""
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
