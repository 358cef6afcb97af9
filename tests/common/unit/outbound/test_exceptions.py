"""Transports map all exceptions of sockets, TLS, resolvers, codecs and urllib3."""

import gc
import http.client
import socket
import ssl
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests.exceptions as told
import urllib3.exceptions as urllib3

from common.outbound.exceptions import (
    AddressNotAllowed,
    BadResponse,
    Mapped,
    MappedStock,
    Phase,
    ResponseTooLarge,
)

SECRET = "patient=Kim"
PHASES: list[Phase] = ["connect", "head", "body"]

Error = type[BaseException]


def tree(root: Error) -> Iterator[Error]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def lower(*roots: Error, modules: set[str]) -> list[Error]:
    found = {error for root in roots for error in tree(root)}
    return sorted((error for error in found if error.__module__ in modules), key=str)


SOCKETS = lower(OSError, UnicodeError, modules={"builtins", "socket", "ssl"})
STOCK = lower(
    OSError,
    ValueError,
    http.client.HTTPException,
    urllib3.HTTPError,
    modules={"builtins", "socket", "ssl", "http.client", "urllib3.exceptions", "requests.exceptions"},
)


def made(error: Error) -> BaseException:
    """An instance without `__init__`, because the arguments differ."""
    return error.__new__(error, SECRET)


def mapped(by: Mapped, exc: BaseException) -> told.RequestException:
    with pytest.raises(told.RequestException) as caught, by:
        raise exc
    assert caught.value is not exc
    assert caught.value.__cause__ is exc
    assert SECRET not in str(caught.value)
    return caught.value


def test_it_finds_the_trees() -> None:
    assert {ConnectionResetError, TimeoutError, socket.gaierror, ssl.SSLCertVerificationError} < set(SOCKETS)
    assert {http.client.BadStatusLine, urllib3.ReadTimeoutError, told.ConnectionError} < set(STOCK)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("error", SOCKETS, ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_it_maps_every_exception_of_the_libraries(error: Error, phase: Phase) -> None:
    found = mapped(Mapped(phase), made(error))
    assert isinstance(found, told.Timeout) == issubclass(error, TimeoutError)
    assert isinstance(found, told.ConnectTimeout) == (issubclass(error, TimeoutError) and phase == "connect")


@pytest.mark.parametrize("phase", ["head", "body"])
@pytest.mark.parametrize("error", STOCK, ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_it_maps_every_exception_of_the_stock_transport(error: Error, phase: Phase) -> None:
    found = mapped(MappedStock(phase), made(error))
    assert not isinstance(found, (ResponseTooLarge, AddressNotAllowed))


@pytest.mark.parametrize(
    ("exc", "phase", "kind"),
    [
        (TimeoutError(SECRET), "connect", told.ConnectTimeout),
        (TimeoutError(SECRET), "head", told.ReadTimeout),
        (TimeoutError(SECRET), "body", told.ReadTimeout),
        (ConnectionResetError(104, SECRET), "head", told.ConnectionError),
        (ConnectionResetError(104, SECRET), "body", told.ChunkedEncodingError),
        (ConnectionAbortedError(SECRET), "head", told.ConnectionError),
        (socket.gaierror(-2, SECRET), "connect", told.ConnectionError),
        (ssl.SSLCertVerificationError(SECRET), "connect", told.SSLError),
        (ssl.SSLEOFError(SECRET), "body", told.SSLError),
        (UnicodeEncodeError("latin-1", SECRET, 0, 1, "x"), "head", told.InvalidHeader),
        (UnicodeError(SECRET), "connect", told.InvalidURL),
    ],
    ids=repr,
)
def test_it_raises_the_class_of_the_table(exc: BaseException, phase: Phase, kind: type[told.RequestException]) -> None:
    assert type(mapped(Mapped(phase), exc)) is kind


def wrapped(*errors: BaseException) -> BaseException:
    """Wraps exceptions as urllib3 and requests do."""
    inner, outer = errors
    outer.__context__ = inner
    outer.args = (*outer.args, inner)
    return outer


POOL: Any = None


@pytest.mark.parametrize(
    ("exc", "phase", "kind"),
    [
        (wrapped(TimeoutError(SECRET), told.ConnectionError()), "head", told.ReadTimeout),
        (wrapped(urllib3.ConnectTimeoutError(SECRET), told.ConnectTimeout()), "head", told.ConnectTimeout),
        (wrapped(urllib3.NewConnectionError(POOL, SECRET), told.ConnectionError()), "head", told.ConnectionError),
        (wrapped(http.client.BadStatusLine(SECRET), told.ConnectionError()), "head", BadResponse),
        (wrapped(http.client.RemoteDisconnected(SECRET), told.ConnectionError()), "head", told.ConnectionError),
        (wrapped(ConnectionResetError(SECRET), urllib3.ProtocolError()), "head", told.ConnectionError),
        (wrapped(ConnectionResetError(SECRET), urllib3.ProtocolError()), "body", told.ChunkedEncodingError),
        (wrapped(urllib3.ReadTimeoutError(POOL, "", SECRET), told.ConnectionError()), "body", told.ReadTimeout),
        (wrapped(urllib3.IncompleteRead(1, 2), urllib3.ProtocolError()), "body", told.ChunkedEncodingError),
        (wrapped(ssl.SSLError(SECRET), urllib3.SSLError()), "head", told.SSLError),
        (wrapped(ResponseTooLarge("cap"), urllib3.ProtocolError()), "head", ResponseTooLarge),
        (wrapped(AddressNotAllowed("inside"), urllib3.NewConnectionError(POOL, "")), "head", AddressNotAllowed),
        (UnicodeEncodeError("latin-1", SECRET, 0, 1, "x"), "head", told.InvalidHeader),
        (told.MissingSchema(SECRET), "head", told.InvalidHeader),
        (told.InvalidURL(SECRET), "head", told.InvalidURL),
    ],
    ids=repr,
)
def test_it_classifies_by_the_wrapped_exception(
    exc: BaseException, phase: Phase, kind: type[told.RequestException]
) -> None:
    assert type(mapped(MappedStock(phase), exc)) is kind


def test_it_does_not_map_twice() -> None:
    error = BadResponse("x")
    with pytest.raises(BadResponse) as caught, Mapped("head"):
        raise error
    assert caught.value is error


class Held:
    """An object that a failing request refers to."""


@pytest.mark.parametrize("by", [Mapped("head"), MappedStock("head")])
@pytest.mark.parametrize("error", [TimeoutError, OSError, ResponseTooLarge, UnicodeError])
def test_the_request_is_freed_without_garbage_collection(by: Mapped, error: type[Exception]) -> None:
    def ask() -> None:
        held = Held()
        found.append(weakref.ref(held))
        with by:
            raise error

    found: list[weakref.ref[Held]] = []
    gc.disable()
    try:
        with suppress(told.RequestException):
            ask()
        assert found[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("by", [Mapped("head"), MappedStock("head")])
@pytest.mark.parametrize("exc", [KeyboardInterrupt(), AssertionError("a fault of ours"), TypeError()])
def test_it_does_not_hide_programming_errors(by: Mapped, exc: BaseException) -> None:
    with pytest.raises(type(exc)), by:
        raise exc
