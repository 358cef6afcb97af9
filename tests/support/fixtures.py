"""The database of these tests, and the ends of a record's way."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from pytest_django import Settings

from recording.journal import Writer, folder_lock
from recording.seals import keyring


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A real file: in memory, SQLite's threads would share one cache and lock each other's tables."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(scope="session", autouse=True)
def _flush_by_deleting() -> Iterator[None]:
    """After a test that commits, PostgreSQL deletes its few rows; to truncate every table takes ten times as long."""

    def deletes(_self: Any, _style: Any, tables: Iterable[str], **_options: bool) -> list[str]:
        return [f"DELETE FROM {name}" for name in tables]  # noqa: S608 - Django's own names

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", deletes)
        yield


@pytest.fixture(params=["llhttp", "requests"])
def transport(request: pytest.FixtureRequest, settings: Settings) -> str:
    """What carries HTTP to the outside: the strict transport, then that of requests."""
    settings.OUTBOUND_TRANSPORT = request.param
    return str(request.param)


@pytest.fixture
def broker(empty_redis: str, settings: Settings) -> Iterator[redis.Redis]:
    """The Redis that is published to."""
    settings.REDIS_URL = empty_redis
    with redis.Redis.from_url(empty_redis) as connection:
        yield connection


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """An origin that writes to the test's folder."""
    made = Writer(tmp_path, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    yield made
    made.close()


@pytest.fixture
def published(gateway: Client) -> Iterator[None]:
    """The sign of life of a publisher beside the gateway's journal; none runs."""
    lock = folder_lock(Path(settings.VAR_DIR) / "journal")
    yield
    os.close(lock)


@pytest.fixture
def files_folder(tmp_path: Path, settings: Settings) -> Path:
    """A storage of the test's own."""
    location = tmp_path / "files"
    default = {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(location)}}
    settings.STORAGES = {**settings.STORAGES, "default": default}
    return location


@pytest.fixture
def way(gateway: Client, broker: redis.Redis, tmp_path: Path) -> Callable[[], None]:
    """All that happens behind an answer."""
    from tests.support import publishing  # noqa: PLC0415 - models load once Django is set up

    publisher = publishing.publisher(tmp_path / "journal")

    def go() -> None:
        publisher.step()
        publishing.work(broker)
        publisher.step()

    return go
