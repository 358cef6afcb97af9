"""Nothing that a socket, TLS, a resolver or the parser raises crosses the upstream boundary."""

import gc
import socket
import ssl
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest
from httptools import HttpParserError, HttpParserUpgrade

from ml_proxy.exceptions import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from ml_proxy.upstream import client
from ml_proxy.upstream.arriving import MOST_HEAD_BYTES, Arriving
from ml_proxy.upstream.connection import server_at

SECRET = "patient=Kim"

Error = type[BaseException]


def tree(root: Error) -> Iterator[Error]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


EVERY = sorted(set(tree(OSError)) | set(tree(UnicodeError)), key=str)
LIBRARIES = [error for error in EVERY if error.__module__ in {"builtins", "socket", "ssl"}]


def mapped(exc: BaseException) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught, client.Translated():
        raise exc
    assert caught.value.__cause__ is exc
    assert SECRET not in caught.value.detail
    return caught.value


def test_it_finds_the_tree() -> None:
    assert {ConnectionResetError, TimeoutError, socket.gaierror, ssl.SSLCertVerificationError} < set(LIBRARIES)


@pytest.mark.parametrize("error", LIBRARIES, ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_it_maps_every_exception_of_the_libraries(error: Error) -> None:
    exc = error.__new__(error, SECRET)  # without __init__: each wants other arguments
    assert mapped(exc).status == (504 if issubclass(error, TimeoutError) else 502)


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (TimeoutError(SECRET), UpstreamTimeout),
        (ConnectionResetError(104, SECRET), UpstreamUnreachable),
        (socket.gaierror(-2, SECRET), UpstreamUnreachable),
        (ssl.SSLCertVerificationError(SECRET), UpstreamUnreachable),
        (ValueError(SECRET), UpstreamBroken),
        (UnicodeEncodeError("latin-1", SECRET, 0, 1, "x"), UpstreamBroken),
    ],
    ids=repr,
)
def test_it_tells_what_happened(exc: BaseException, kind: type[UpstreamError]) -> None:
    assert type(mapped(exc)) is kind


@pytest.mark.parametrize("error", list(tree(HttpParserError)), ids=lambda error: error.__name__)
def test_it_takes_whatever_the_parser_minds_for_a_broken_answer(error: Error) -> None:
    class Parser:
        def feed_data(self, data: object) -> None:
            raise error(0 if error is HttpParserUpgrade else SECRET)

    class Said:
        def receive(self) -> memoryview:
            return memoryview(b"x")

    arriving = Arriving(Said())  # type: ignore[arg-type]
    arriving._parser = Parser()  # type: ignore[assignment]
    with pytest.raises(UpstreamBroken) as caught:
        arriving.read_head()
    assert SECRET not in caught.value.detail


class Pieces:
    """A connection that gives these."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def receive(self) -> memoryview:
        return memoryview(self._pieces.pop(0) if self._pieces else b"")


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
def test_it_refuses_a_head_that_is_too_long_however_it_comes(fields: bytes, piece: int) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n"
    said = Pieces(*(head[start : start + piece] for start in range(0, len(head), piece)))
    with pytest.raises(UpstreamBroken, match="longer than"):
        Arriving(said).read_head()  # type: ignore[arg-type]


@pytest.mark.parametrize("piece", [40_000, 65_536, 100_000, 63])
def test_it_takes_the_longest_head_that_may_be(piece: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MOST_HEAD_BYTES - 24) + b"\r\n\r\n"
    assert len(head) == MOST_HEAD_BYTES
    said = Pieces(*(head[start : start + piece] for start in range(0, len(head), piece)))
    arriving = Arriving(said)  # type: ignore[arg-type]
    arriving.read_head()
    assert len(arriving.field("x")) == MOST_HEAD_BYTES - 24


def test_it_takes_a_short_head_with_a_long_body() -> None:
    said = Pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 65_000, b"x" * 35_000)
    arriving = Arriving(said)  # type: ignore[arg-type]
    arriving.read_head()
    assert len(arriving.whole(100_000)) == 100_000


def test_it_leaves_an_upstream_error_as_it_is() -> None:
    error = UpstreamBroken("x")
    with pytest.raises(UpstreamBroken) as caught, client.Translated():
        raise error
    assert caught.value is error


class Held:
    """What a request that fails has in its hands."""


@pytest.mark.parametrize("error", [TimeoutError, OSError, ValueError])
def test_it_lets_go_of_the_request_without_a_sweep(error: type[Exception]) -> None:
    def ask() -> None:
        held = Held()
        found.append(weakref.ref(held))
        with client.Translated():
            raise error

    found: list[weakref.ref[Held]] = []
    gc.disable()
    try:
        with suppress(UpstreamError):
            ask()
        assert found[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), AssertionError("a fault of ours")])
def test_it_hides_no_fault_of_ours(exc: BaseException) -> None:
    with pytest.raises(type(exc)), client.Translated():
        raise exc


@pytest.mark.parametrize(("name", "value"), [("X-A", "1\r\nX-B: 2"), ("X-A", "1\n2"), ("X\r", "1"), ("X-A", "\u4e00")])
def test_it_writes_no_field_that_would_break_the_head(name: str, value: str) -> None:
    server = server_at("http://127.0.0.1:9")
    request = client.Request("POST", "predict", "", {name: value}, b"{}")
    with pytest.raises(UpstreamBroken), client.Translated():
        request.head(server)
