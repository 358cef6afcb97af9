"""No exception of `requests`, urllib3, http.client or the socket crosses the upstream boundary."""

import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest
import requests
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from ml_proxy.exceptions import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from ml_proxy.upstream import client

SECRET = "patient=Kim"
POOL = HTTPConnectionPool("127.0.0.1", 9)
REFUSED = urllib3_errors.NewConnectionError(HTTPConnection("127.0.0.1", 9), SECRET)

Error = type[BaseException]


def tree(root: Error) -> Iterator[Error]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def of(*roots: Error) -> list[Error]:
    """All classes of the libraries that are there, those behind a private name included."""
    found = {error for root in roots for error in tree(root)}
    libraries = ("requests", "urllib3", "http.client", "socket", "ssl", "builtins")
    return sorted((error for error in found if error.__module__.startswith(libraries)), key=str)


EVERY = of(requests.RequestException, urllib3_errors.HTTPError, http.client.HTTPException, OSError)
TIMEOUTS = [
    error
    for error in of(requests.Timeout, urllib3_errors.TimeoutError, TimeoutError)
    if not issubclass(error, urllib3_errors.NewConnectionError)
]


def mapped(exc: BaseException) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught, client.translated():
        raise exc
    assert caught.value.__cause__ is exc
    assert SECRET not in caught.value.detail
    return caught.value


def test_it_finds_the_trees() -> None:
    assert len(EVERY) > 60
    assert {requests.ConnectionError, urllib3_errors.ProtocolError, http.client.BadStatusLine, ssl.SSLError} < set(
        EVERY
    )
    assert {requests.ReadTimeout, requests.ConnectTimeout, urllib3_errors.ReadTimeoutError} < set(TIMEOUTS)


@pytest.mark.parametrize("error", EVERY, ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_it_maps_every_exception_of_the_libraries(error: Error) -> None:
    exc = error.__new__(error, SECRET)  # without __init__: each wants other arguments
    assert mapped(exc).status == (504 if error in TIMEOUTS else 502)


@pytest.mark.parametrize("error", TIMEOUTS, ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_it_finds_a_timeout_wherever_it_is_wrapped(error: Error) -> None:
    timeout = error.__new__(error, SECRET)
    wrapped = urllib3_errors.ProtocolError("Connection aborted.", timeout)
    assert isinstance(mapped(requests.ConnectionError(wrapped)), UpstreamTimeout)
    assert isinstance(mapped(urllib3_errors.MaxRetryError(POOL, "/", wrapped)), UpstreamTimeout)
    chained = requests.ConnectionError(SECRET)
    chained.__cause__ = timeout
    assert isinstance(mapped(chained), UpstreamTimeout)


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (requests.ConnectionError(urllib3_errors.MaxRetryError(POOL, "/", REFUSED)), UpstreamUnreachable),
        (requests.ConnectionError(urllib3_errors.ProtocolError("x", ConnectionResetError(104))), UpstreamUnreachable),
        (requests.ConnectionError(http.client.RemoteDisconnected("closed")), UpstreamUnreachable),
        (socket.gaierror(-2, SECRET), UpstreamUnreachable),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError(SECRET)), UpstreamUnreachable),
        (
            requests.ConnectionError(urllib3_errors.ProtocolError("x", http.client.BadStatusLine(SECRET))),
            UpstreamBroken,
        ),
        (urllib3_errors.ProtocolError("x", urllib3_errors.IncompleteRead(3, 4)), UpstreamBroken),
        (http.client.LineTooLong(SECRET), UpstreamBroken),
        (ValueError(SECRET), UpstreamBroken),
        (UnicodeEncodeError("latin-1", SECRET, 0, 1, "x"), UpstreamBroken),
    ],
    ids=repr,
)
def test_it_tells_what_happened(exc: BaseException, kind: type[UpstreamError]) -> None:
    assert type(mapped(exc)) is kind


def test_it_ends_on_exceptions_that_wrap_each_other() -> None:
    one, other = requests.ConnectionError(), requests.ConnectionError()
    one.args, other.args = (other,), (one,)
    assert isinstance(mapped(one), UpstreamUnreachable)


def test_it_leaves_an_upstream_error_as_it_is() -> None:
    error = UpstreamBroken("x")
    with pytest.raises(UpstreamBroken) as caught, client.translated():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), AssertionError("a fault of ours")])
def test_it_hides_no_fault_of_ours(exc: BaseException) -> None:
    with pytest.raises(type(exc)), client.translated():
        raise exc
