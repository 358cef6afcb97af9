"""Responses read with llhttp: invalid HTTP, long heads, and reuse of connections."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from httptools import HttpParserError, HttpParserUpgrade
from requests.exceptions import ChunkedEncodingError

from common.outbound.exceptions import BadResponse, HeadTooLarge
from common.outbound.http_response import MAX_HEAD_BYTES, RawResponse

SECRET = "patient=Kim"
OK = b"HTTP/1.1 200 OK\r\n"

Error = type[BaseException]


def tree(root: Error) -> Iterator[Error]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


class Pieces:
    """A connection that receives these parts."""

    is_spent = False

    def __init__(self, *pieces: bytes) -> None:
        self.is_closed = False
        self._pieces = list(pieces)

    def receive(self) -> memoryview:
        return memoryview(self._pieces.pop(0) if self._pieces else b"")

    def close(self) -> None:
        self.is_closed = True


def reading(*pieces: bytes, kept: list[object] | None = None) -> RawResponse:
    """A response received in these parts, after its head was read."""
    raw = RawResponse(Pieces(*pieces), (kept if kept is not None else []).append)  # type: ignore[arg-type]
    raw.read_head()
    return raw


def whole(raw: RawResponse) -> bytes:
    return b"".join(raw.stream())


@pytest.mark.parametrize("error", [*tree(HttpParserError), HttpParserUpgrade], ids=lambda error: error.__name__)
def test_it_refuses_what_the_parser_refuses(error: Error) -> None:
    class Parser:
        def feed_data(self, data: object) -> None:
            raise error(0 if error is HttpParserUpgrade else SECRET)

    raw = RawResponse(Pieces(b"x"), print)  # type: ignore[arg-type]
    raw._parser = Parser()
    with pytest.raises(BadResponse) as caught:
        raw.read_head()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("piece", [40_000, 65_500, 65_536, 100_000, 1_000, 63])
@pytest.mark.parametrize(
    "fields",
    [
        b"X: " + b"x" * 70_000 + b"\r\n",
        b"X:1\r\n" * 14_000,
        b"X:" + b" " * 70_000 + b"1\r\n",
        b"X: " + b"x" * 65_515 + b"\r\n",
    ],
    ids=["one", "many", "blanks", "just over"],
)
def test_it_refuses_a_head_that_is_too_long_in_any_chunking(fields: bytes, piece: int) -> None:
    head = OK + fields + b"\r\n"
    with pytest.raises(HeadTooLarge, match="longer than"):
        reading(*(head[start : start + piece] for start in range(0, len(head), piece)))


@pytest.mark.parametrize("piece", [40_000, 65_536, 100_000, 63])
def test_it_accepts_the_longest_allowed_head(piece: int) -> None:
    head = OK + b"X: " + b"x" * (MAX_HEAD_BYTES - 24) + b"\r\n\r\n"
    assert len(head) == MAX_HEAD_BYTES
    raw = reading(*(head[start : start + piece] for start in range(0, len(head), piece)))
    assert len(raw.field("x")) == MAX_HEAD_BYTES - 24


def test_it_accepts_a_short_head_with_a_long_body() -> None:
    raw = reading(OK + b"Content-Length: 100000\r\n\r\n" + b"x" * 65_000, b"x" * 35_000)
    assert len(whole(raw)) == 100_000


@pytest.mark.parametrize("in_one", [True, False])
@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 9\r\n\r\n", b"{}"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\nwhat?\r\n"),
    ],
)
def test_it_returns_the_head_before_an_incomplete_body(head: bytes, body: bytes, in_one: bool) -> None:
    raw = reading(OK + head + body) if in_one else reading(OK + head, body)
    assert raw.status == 200
    with pytest.raises(ChunkedEncodingError):
        whole(raw)


def test_it_stops_reading_after_a_broken_body() -> None:
    raw = reading(OK + b"Transfer-Encoding: chunked\r\n\r\nwhat?\r\n")
    raw._connection.receive = lambda: pytest.fail("it waits")  # type: ignore[method-assign]
    with pytest.raises(ChunkedEncodingError):
        whole(raw)


def test_it_returns_the_connection_after_a_complete_body() -> None:
    kept: list[object] = []
    raw = reading(OK + b"Content-Length: 2\r\n\r\n{}", kept=kept)
    assert kept == []
    assert whole(raw) == b"{}"
    assert len(kept) == 1


@pytest.mark.parametrize(
    "said",
    [
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"\r\n{}",
        OK + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
        OK + b"Content-Length: 2\r\n\r\n{}garbage",
    ],
)
def test_it_closes_a_connection_that_is_not_reusable(said: bytes) -> None:
    kept: list[object] = []
    raw = reading(said, kept=kept)
    connection = raw._connection
    assert whole(raw) == b"{}"
    assert (kept, connection.is_closed) == ([], True)  # type: ignore[attr-defined]


def test_it_closes_the_connection_of_an_unread_body() -> None:
    kept: list[object] = []
    raw = reading(OK + b"Content-Length: 2\r\n\r\n{}", kept=kept)
    connection = raw._connection
    raw.close()
    assert (kept, connection.is_closed) == ([], True)  # type: ignore[attr-defined]
    assert whole(raw) == b""


def test_it_reads_by_sizes() -> None:
    raw = reading(OK + b"Content-Length: 10\r\n\r\n0123", b"456789")
    assert [raw.read(3), raw.read(3), raw.closed, raw.read(), raw.closed, raw.read(1)] == [
        b"012",
        b"345",
        False,
        b"6789",
        True,
        b"",
    ]


@pytest.mark.parametrize("reads", [True, False])
def test_it_is_freed_without_garbage_collection(reads: bool) -> None:
    gc.disable()
    try:
        raw = reading(OK + b"Content-Length: 2\r\n\r\n{}")
        found = weakref.ref(raw)
        if reads:
            whole(raw)
        else:
            raw.close()
        del raw
        assert found() is None
    finally:
        gc.enable()
