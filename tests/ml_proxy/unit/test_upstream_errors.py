"""Whatever `requests` raises leaves the boundary to the model server as an error of this project."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from requests import exceptions as told

from common.outbound import exceptions as ours
from ml_proxy.exceptions import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamTooLarge, UpstreamUnreachable
from ml_proxy.upstream import client

SECRET = "patient=Kim"

Error = type[requests.RequestException]


def tree(root: Error) -> Iterator[Error]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


ALL = sorted(set(tree(requests.RequestException)), key=str)


def mapped(exc: requests.RequestException) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught, client.Translated():
        raise exc
    assert caught.value.__cause__ is exc
    assert SECRET not in caught.value.detail
    return caught.value


def test_it_finds_the_tree() -> None:
    assert {told.ChunkedEncodingError, told.RetryError, ours.HeadTooLarge, ours.AddressNotAllowed} < set(ALL)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_it_maps_every_exception_of_requests(error: Error) -> None:
    exc = error.__new__(error, SECRET)  # without __init__: some want other arguments
    assert mapped(exc).status == (504 if issubclass(error, told.Timeout) else 502)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (told.ConnectTimeout, UpstreamTimeout),
        (told.ReadTimeout, UpstreamTimeout),
        (told.ConnectionError, UpstreamUnreachable),
        (told.SSLError, UpstreamUnreachable),
        (told.ChunkedEncodingError, UpstreamBroken),
        (told.InvalidHeader, UpstreamBroken),
        (ours.BadResponse, UpstreamBroken),
        (ours.HeadTooLarge, UpstreamBroken),
        (ours.ResponseTooLarge, UpstreamTooLarge),
    ],
)
def test_it_tells_what_happened(error: Error, kind: type[UpstreamError]) -> None:
    assert type(mapped(error(SECRET))) is kind


def test_it_leaves_an_upstream_error_as_it_is() -> None:
    error = UpstreamBroken("x")
    with pytest.raises(UpstreamBroken) as caught, client.Translated():
        raise error
    assert caught.value is error


class Held:
    """What a request that fails has in its hands."""


@pytest.mark.parametrize("error", [told.ReadTimeout, told.ConnectionError, told.ChunkedEncodingError])
def test_it_lets_go_of_the_request_without_a_sweep(error: Error) -> None:
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


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), AssertionError("a fault of ours"), ValueError()])
def test_it_hides_no_fault_of_ours(exc: BaseException) -> None:
    with pytest.raises(type(exc)), client.Translated():
        raise exc
