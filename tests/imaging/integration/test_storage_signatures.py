"""Pictures in S3, against a server that checks each signature: wrong keys, changed and old links, bad answers."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from pytest_django import Settings

from attachments.exceptions import StorageUnavailable
from attachments.storage import s3
from imaging.services import storage
from tests.support.signed_s3 import SignedS3

PICTURE = b"\xff\xd8\xff synthetic"
JPEG = "image/jpeg"


@pytest.fixture
def server(settings: Settings) -> Iterator[SignedS3]:
    made = SignedS3()
    settings.STORAGES = {**settings.STORAGES, "default": made.storage()}
    yield made
    made.close()


def test_each_request_is_signed(server: SignedS3) -> None:
    key = storage.save("generated/a", PICTURE, JPEG)
    assert storage.read(key) == PICTURE
    assert list(storage.keys("generated/")) == [key]
    storage.delete(key)
    assert (server.objects, server.refusals) == ({}, [])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_key": "unknown"}, "InvalidAccessKeyId"),
        ({"region_name": "us-east-1"}, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_wrong_key_or_region_is_an_error_with_its_code(
    server: SignedS3, settings: Settings, options: dict[str, str], code: str
) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": server.storage(**options)}
    with pytest.raises(StorageUnavailable, match=code):
        storage.save("a", PICTURE, JPEG)
    assert server.objects == {}


def test_a_link_works_without_a_key_until_it_is_changed(server: SignedS3) -> None:
    key, other = storage.save("a", PICTURE, JPEG), storage.save("b", PICTURE, JPEG)
    url = storage.link(key)
    assert requests.get(url, timeout=60).content == PICTURE
    for changed in (
        url.replace(key, other),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"),
        url.replace("image%2Fjpeg", "text%2Fhtml"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("?")[0],
    ):
        assert changed != url
        assert requests.get(changed, timeout=60).status_code == 403
    assert requests.delete(url, timeout=60).status_code == 403
    assert requests.put(url, data=b"other", timeout=60).status_code == 403
    assert server.objects[key] == PICTURE


def test_an_old_link_is_refused_and_a_new_one_works(server: SignedS3, settings: Settings) -> None:
    key = storage.save("a", PICTURE, JPEG)
    settings.STORAGES = {**settings.STORAGES, "default": server.storage(querystring_expire=-1)}
    assert requests.get(storage.link(key), timeout=60).status_code == 403
    settings.STORAGES = {**settings.STORAGES, "default": server.storage()}
    assert requests.get(storage.link(key), timeout=60).content == PICTURE


def _answers(status: int, body: bytes) -> Callable[[Any], bool]:
    def fail(handler: Any) -> bool:
        handler.send(status, body)
        return True

    return fail


def _cuts(handler: Any) -> bool:
    handler.close_connection = True
    handler.connection.close()
    return True


def _redirects(handler: Any) -> bool:
    handler.send_response(307)
    handler.send_header("Location", "http://10.0.0.1/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()
    return True


@pytest.mark.parametrize(
    "fail", [_answers(500, b""), _answers(503, b"<html>"), _answers(403, b"{"), _answers(400, b""), _redirects, _cuts]
)
def test_an_answer_that_is_no_success_is_an_error(server: SignedS3, fail: Callable[[Any], bool]) -> None:
    key = storage.save("a", PICTURE, JPEG)
    server.fail = fail
    for act in (lambda: storage.save("b", PICTURE, JPEG), lambda: storage.read(key), lambda: list(storage.keys())):
        with pytest.raises(StorageUnavailable):
            act()
    server.fail = lambda _: False
    assert list(storage.keys()) == [key]


def test_a_server_that_stalls_is_given_up(
    server: SignedS3, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "READ_SECONDS", 0.2)
    settings.STORAGES = {**settings.STORAGES, "default": server.storage()}
    stalled = threading.Event()

    def stalls(_: Any) -> bool:
        stalled.set()
        return server.gone.wait(60)

    server.fail = stalls
    with pytest.raises(StorageUnavailable):
        storage.save("a", PICTURE, JPEG)
    assert stalled.is_set()
