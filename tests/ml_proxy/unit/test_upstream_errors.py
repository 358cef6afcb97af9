"""Every exception of `requests` is mapped to an error of this project."""

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
    with pytest.raises(UpstreamError) as caught, client.ErrorTranslation():
        raise exc
    assert caught.value.__cause__ is exc
    assert SECRET not in caught.value.detail
    return caught.value


def test_it_finds_the_exception_tree() -> None:
    assert {told.ChunkedEncodingError, told.RetryError, ours.HeadTooLarge, ours.AddressNotAllowed} < set(ALL)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_it_maps_every_exception_of_requests(error: Error) -> None:
    exc = error.__new__(error, SECRET)  # without __init__: some need other arguments
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
def test_it_maps_each_error_to_its_kind(error: Error, kind: type[UpstreamError]) -> None:
    assert type(mapped(error(SECRET))) is kind


def test_it_does_not_change_an_upstream_error() -> None:
    error = UpstreamBroken("x")
    with pytest.raises(UpstreamBroken) as caught, client.ErrorTranslation():
        raise error
    assert caught.value is error


class Held:
    """A stand-in for the data that a failing request holds."""


@pytest.mark.parametrize("error", [told.ReadTimeout, told.ConnectionError, told.ChunkedEncodingError])
def test_the_request_is_freed_without_garbage_collection(error: Error) -> None:
    def ask() -> None:
        held = Held()
        found.append(weakref.ref(held))
        with client.ErrorTranslation():
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
def test_it_does_not_hide_programming_errors(exc: BaseException) -> None:
    with pytest.raises(type(exc)), client.ErrorTranslation():
        raise exc
