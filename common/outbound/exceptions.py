"""The exceptions of an exchange, for all transports. All derive from `requests.exceptions.RequestException`.

    lower exception                               raised as
    ───────────────────────────────────────────   ──────────────────────────────────────────────
    TimeoutError     while connecting, TLS too    ConnectTimeout
                     afterwards                   ReadTimeout
    ssl.SSLError     certificates too             SSLError
    OSError          before the head is there     ConnectionError        refused, reset, no such host
                     within the body              ChunkedEncodingError   it broke off
    UnicodeError     of a host's name             InvalidURL
                     of a header field            InvalidHeader
    HttpParserError  in the head                  BadResponse     *      a ConnectionError
                     within the body              ChunkedEncodingError
    (the budget's cap on bytes)                   ResponseTooLarge *
    (an address that may not be called)           AddressNotAllowed *    an InvalidURL

This module defines those with a star, because `requests` has no such classes. Exceptions of the stock transport are
classified by their causes, because urllib3 wraps a timeout in a ProtocolError, and requests wraps that again.
"""

import builtins
import http.client
import ssl
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Literal

import urllib3.exceptions as urllib3
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004 - the name in requests
    ConnectTimeout,
    ContentDecodingError,
    InvalidHeader,
    InvalidURL,
    ReadTimeout,
    RequestException,
    SSLError,
)

Phase = Literal["connect", "head", "body"]

LOWER: Final = (OSError, ValueError, http.client.HTTPException, urllib3.HTTPError)
"""Exceptions of sockets, TLS, resolvers, codecs and urllib3."""


class BadResponse(ConnectionError):
    """The response is not HTTP/1, or is unusable."""


class ResponseTooLarge(RequestException):
    """The response is larger than its cap."""


class HeadTooLarge(BadResponse, ResponseTooLarge):
    """The head of the response is too large."""


class AddressNotAllowed(InvalidURL):
    """The host's name has no permitted address."""


class Mapped:
    """Maps exceptions of sockets, TLS, resolvers and codecs in its block as in the table above."""

    __slots__ = ("_phase",)

    def __init__(self, phase: Phase) -> None:
        self._phase = phase

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        # No variable refers to the new error: with its frames that would be a cycle, which keeps the request in memory.
        if isinstance(exc, LOWER) and not isinstance(exc, RequestException):
            raise mapped(exc, self._phase) from exc


class MappedStock(Mapped):
    """Maps exceptions of `requests` and urllib3."""

    __slots__ = ()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(exc, LOWER):
            raise mapped_stock(exc, self._phase) from exc


def mapped(exc: BaseException, phase: Phase) -> RequestException:
    """The mapping of the table. The message is only the class: a lower exception may quote the URL."""
    message = type(exc).__name__
    if isinstance(exc, TimeoutError):
        return ConnectTimeout(message) if phase == "connect" else ReadTimeout(message)
    if isinstance(exc, ssl.SSLError):
        return SSLError(message)
    if isinstance(exc, OSError):
        return ChunkedEncodingError(message) if phase == "body" else ConnectionError(message)
    return InvalidURL(message) if phase == "connect" else InvalidHeader(message)


def mapped_stock(exc: BaseException, phase: Phase) -> RequestException:
    """The mapping by all causes of `exc`, with a message of its own: urllib3 quotes the URL."""
    causes = list(_causes(exc))
    for cause in causes:
        if isinstance(cause, (ResponseTooLarge, AddressNotAllowed, BadResponse)):
            return type(cause)(*cause.args)
    return _by_causes(causes, phase)


def _by_causes(causes: list[BaseException], phase: Phase) -> RequestException:
    def found(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    return _kind(found, phase)(type(causes[-1]).__name__)


def _kind(found: Callable[..., bool], phase: Phase) -> type[RequestException]:
    is_refused = found(urllib3.NewConnectionError)  # it is a subclass of a timeout
    kinds = {
        ConnectTimeout: found(urllib3.ConnectTimeoutError) and not is_refused,
        ReadTimeout: found(urllib3.TimeoutError, TimeoutError) and not is_refused,
        SSLError: found(ssl.SSLError, urllib3.SSLError),
        ContentDecodingError: found(urllib3.DecodeError),
        ChunkedEncodingError: phase == "body",
        BadResponse: found(*GARBLED) and not found(builtins.ConnectionError),  # one of them is both
        InvalidURL: found(InvalidURL, urllib3.LocationValueError),
        InvalidHeader: found(ValueError),
    }
    return next((kind for kind, is_it in kinds.items() if is_it), ConnectionError)


GARBLED: Final = (http.client.HTTPException, urllib3.InvalidHeader, urllib3.InvalidChunkLength, urllib3.IncompleteRead)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps: causes, contexts and arguments."""
    seen: list[BaseException] = []
    waiting: list[Any] = [exc]
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException) and not any(item is one for one in seen):
            seen.append(item)
            yield item
            waiting += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
