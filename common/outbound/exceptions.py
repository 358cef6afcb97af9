"""What an exchange can raise, whichever transport carries it. All of it is a `requests.exceptions.RequestException`.

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

The ones with a star are this module's own: `requests` has no word for them. What the stock transport raises by itself
is told apart by its causes, since urllib3 wraps a deadline in a ProtocolError, and that in a ConnectionError.
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
    ConnectionError,  # noqa: A004 - requests' own name for it
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
"""What sockets, TLS, resolvers, codecs and urllib3 raise."""


class BadResponse(ConnectionError):
    """What came is not an HTTP/1 response, or one of which no use can be made."""


class ResponseTooLarge(RequestException):
    """The response is over the cap on its bytes."""


class HeadTooLarge(BadResponse, ResponseTooLarge):
    """The response's head does not end where one has to."""


class AddressNotAllowed(InvalidURL):
    """The host's name leads to no address that may be called."""


class Mapped:
    """Whatever a socket, TLS, a resolver or a codec raises in the block leaves it as the table says."""

    __slots__ = ("_phase",)

    def __init__(self, phase: Phase) -> None:
        self._phase = phase

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        # The new error has no name here: with its frames that would be a circle, which holds the request until a sweep.
        if isinstance(exc, LOWER) and not isinstance(exc, RequestException):
            raise mapped(exc, self._phase) from exc


class MappedStock(Mapped):
    """The same for what `requests` and urllib3 raise."""

    __slots__ = ()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(exc, LOWER):
            raise mapped_stock(exc, self._phase) from exc


def mapped(exc: BaseException, phase: Phase) -> RequestException:
    """As the table says. The text names the class alone: a lower exception may quote the URL."""
    said = type(exc).__name__
    if isinstance(exc, TimeoutError):
        return ConnectTimeout(said) if phase == "connect" else ReadTimeout(said)
    if isinstance(exc, ssl.SSLError):
        return SSLError(said)
    if isinstance(exc, OSError):
        return ChunkedEncodingError(said) if phase == "body" else ConnectionError(said)
    return InvalidURL(said) if phase == "connect" else InvalidHeader(said)


def mapped_stock(exc: BaseException, phase: Phase) -> RequestException:
    """The same by all that `exc` wraps, and in new words: urllib3 quotes the URL."""
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
    is_refused = found(urllib3.NewConnectionError)  # whose class is a timeout's
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
    """The exception and all that it wraps: as a cause, as a context, or as an argument."""
    seen: list[BaseException] = []
    waiting: list[Any] = [exc]
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException) and not any(item is one for one in seen):
            seen.append(item)
            yield item
            waiting += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
