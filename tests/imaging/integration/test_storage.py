"""Pictures that were made here: stored in a folder or in S3, with links that are made anew, listed and deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from attachments.exceptions import NoSuchFile, StorageUnavailable
from imaging.exceptions import ProviderError
from imaging.services import storage
from imaging.source import PROVIDER_CALLS
from tests.support.s3 import S3Server

pytestmark = pytest.mark.any_database

PICTURE = b"\xff\xd8\xff synthetic"
JPEG = "image/jpeg"
DATA_KEY = bytes(range(32))


@pytest.fixture(scope="module")
def shared_server() -> Iterator[S3Server]:
    made = S3Server()
    made.start()
    yield made
    made.kill()


@pytest.fixture
def server(shared_server: S3Server, settings: Settings) -> S3Server:
    shared_server.bucket.objects.delete()
    settings.STORAGES = {**settings.STORAGES, "default": shared_server.storage()}
    return shared_server


@pytest.fixture(params=["folder", "S3"])
def place(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("files_folder" if request.param == "folder" else "server")


@pytest.mark.usefixtures("place")
def test_it_stores_reads_lists_and_deletes() -> None:
    key = storage.save("generated/0198-a", PICTURE, JPEG)
    storage.save("other/b", b"other", "image/png")
    assert key == "imaging/generated/0198-a.jpg"
    assert storage.read(key) == PICTURE
    assert list(storage.keys("generated/")) == [key]
    assert sorted(storage.keys()) == [key, "imaging/other/b.png"]
    storage.delete(key)
    storage.delete(key)
    assert list(storage.keys("generated/")) == []
    with pytest.raises(NoSuchFile):
        storage.read(key)


@pytest.mark.usefixtures("place")
def test_the_same_name_replaces_what_is_there() -> None:
    first, second = storage.save("a", b"before", JPEG), storage.save("a", PICTURE, JPEG)
    assert first == second
    assert storage.read(first) == PICTURE
    assert list(storage.keys()) == [first]


def test_s3_signs_its_links_and_each_is_new(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    key = storage.save("generated/a", PICTURE, JPEG)
    url = storage.link(key)
    query = parse_qs(urlsplit(url).query)
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == (["60"], ["AWS4-HMAC-SHA256"])
    answer = requests.get(url, timeout=60)
    assert (answer.content, answer.headers["Content-Type"]) == (PICTURE, JPEG)
    assert server.objects() == {key: PICTURE}


@pytest.mark.usefixtures("files_folder")
def test_the_gateway_serves_what_lies_in_a_folder(gateway: Client) -> None:
    url = storage.link(storage.save("generated/a", PICTURE, JPEG))
    assert url.startswith("/ai/pictures/")
    answer = gateway.get(url)
    assert (answer.content, answer["Content-Type"], answer["Cache-Control"]) == (PICTURE, JPEG, "no-store")


@pytest.mark.usefixtures("files_folder")
def test_a_link_expires_and_a_new_one_works(gateway: Client, settings: Settings) -> None:
    key = storage.save("generated/a", PICTURE, JPEG)
    old = storage.link(key)
    settings.FILE_LINK_SECONDS = -1
    assert gateway.get(old).json()["type"].endswith("link-expired")
    settings.FILE_LINK_SECONDS = 60
    assert gateway.get(storage.link(key)).content == PICTURE


@pytest.mark.usefixtures("files_folder")
def test_a_link_that_was_changed_or_leads_to_nothing_is_a_404(gateway: Client) -> None:
    key = storage.save("generated/a", PICTURE, JPEG)
    url = storage.link(key)
    assert gateway.get(f"{url[:-3]}AA/").status_code == 404
    storage.delete(key)
    assert gateway.get(url).status_code == 404


def test_it_is_stored_encrypted_and_served_by_the_gateway(
    gateway: Client, files_folder: Path, server: S3Server, settings: Settings
) -> None:
    settings.DATA_KEYS = (DATA_KEY,)
    key = storage.save("generated/a", PICTURE, JPEG)
    assert PICTURE not in server.objects()[key]
    url = storage.link(key)
    assert gateway.get(url).content == PICTURE
    moved = storage.save("generated/b", PICTURE, JPEG)
    server.bucket.put_object(Key=moved, Body=server.objects()[key])
    with pytest.raises(NoSuchFile):
        storage.read(moved)


@pytest.mark.django_db
@pytest.mark.usefixtures("place", "gateway")
def test_a_rotation_of_keys_covers_it(settings: Settings) -> None:
    clear, old = storage.save("a", PICTURE, JPEG), storage.save("b", b"", JPEG)
    settings.DATA_KEYS = (DATA_KEY,)
    storage.save("b", PICTURE, JPEG)
    settings.DATA_KEYS = (bytes(range(1, 33)), DATA_KEY)
    new = storage.save("c", PICTURE, JPEG)
    assert len(set(PROVIDER_CALLS.keys_of_files())) == 3
    assert sorted(PROVIDER_CALLS.encrypt_files()) == [False, True, True]
    assert list(PROVIDER_CALLS.encrypt_files()) == [False] * 3
    assert len(set(PROVIDER_CALLS.keys_of_files())) == 1
    settings.DATA_KEYS = (bytes(range(1, 33)),)
    assert [storage.read(key) for key in (clear, old, new)] == [PICTURE] * 3


@pytest.mark.parametrize("name", ["", "../a", "/a", "a/../b", "A", "a.jpg", "a//b", "책상", "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't be the name"):
        storage.save(name, PICTURE, JPEG)


@pytest.mark.parametrize("key", ["a.jpg", "imaging/../inputs/a.jpg", "inputs/2026/01/x/0", "imaging/a.txt"])
def test_no_key_leads_out_of_its_folder(key: str) -> None:
    for act in (storage.read, storage.link, storage.delete):
        with pytest.raises(NoSuchFile):
            act(key)


def test_a_type_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ProviderError, match="image/jpeg"):
        storage.save("a", b"<html>", "text/html")


def test_a_server_that_fails_is_an_error_with_its_code(server: S3Server, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": server.storage(bucket_name="nobody-s")}
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        storage.save("a", PICTURE, JPEG)
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        list(storage.keys())
