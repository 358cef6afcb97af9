"""Fixtures for the database, Redis, the journal and the publisher."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.core.management import sql
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from pytest_django import Settings

from common import beat_liveness
from recording.journal import Writer, folder_lock
from recording.seals import keyring
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Uses a file: with SQLite in memory, threads would share one cache and lock each other's tables."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(scope="session", autouse=True)
def _flush_quickly() -> Iterator[None]:
    """Deletes rows after a test that commits, and puts back those that migrations made.

    TRUNCATE of all tables takes ten times as long on PostgreSQL. Making the content types, permissions and roles anew
    takes thirty times as long as inserting them.
    """
    from tests.support.migrated_rows import MigratedRows  # noqa: PLC0415 - models load once Django is set up

    def delete_rows(_self: Any, _style: Any, tables: Iterable[str], **_options: bool) -> list[str]:
        return [f"DELETE FROM {name}" for name in tables]  # noqa: S608 - Django's own names

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", delete_rows)
        replacement = MigratedRows(sql.emit_post_migrate_signal)
        patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", replacement)
        yield


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server of this module alone, because it is stopped and frozen."""
    with TemporaryDirectory(prefix="ml-proxy-away-") as folder:  # pytest's own are closed to the server's user
        started = Postgres(Path(folder) / "postgres")
        yield started
        started.close()


@pytest.fixture(autouse=True)
def _nobody_known() -> Iterator[None]:
    """Forgets the callers that a test has made known, with the thread that reads the test's database."""
    yield
    from accounts.known_callers import KNOWN  # noqa: PLC0415 - models load once Django is set up

    KNOWN.forget_all()


@pytest.fixture(params=["llhttp", "requests"])
def transport(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Runs a test with both outbound transports."""
    settings.OUTBOUND_TRANSPORT = request.param
    return str(request.param)


@pytest.fixture
def broker(empty_redis: str, settings: Settings) -> Iterator[redis.Redis]:
    """A connection to the Redis that the publisher uses."""
    settings.REDIS_URL = empty_redis
    with redis.Redis.from_url(empty_redis) as connection:
        yield connection


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A journal writer in the test's folder."""
    created = Writer(tmp_path, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    yield created
    created.close()


@pytest.fixture
def live_beat(empty_redis: str) -> None:
    """Sets the key of beat, so that it seems to run."""
    with redis.Redis.from_url(empty_redis) as connection:
        connection.set(beat_liveness.KEY, 1)


@pytest.fixture
def live_publisher(gateway: Client, live_beat: None) -> Iterator[None]:
    """Holds the lock of a publisher, so that one seems to run, as beat does."""
    lock = folder_lock(Path(settings.VAR_DIR) / "journal")
    yield
    os.close(lock)


@pytest.fixture
def files_folder(tmp_path: Path, settings: Settings) -> Path:
    """A file storage for one test."""
    location = tmp_path / "files"
    default = {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(location)}}
    settings.STORAGES = {**settings.STORAGES, "default": default}
    return location


@pytest.fixture
def process_records(gateway: Client, broker: redis.Redis, tmp_path: Path) -> Callable[[], None]:
    """Publishes, writes and confirms all records, and uploads attachments, in the test's process."""
    from attachments import uploads  # noqa: PLC0415 - models load once Django is set up
    from tests.support import record_pipeline  # noqa: PLC0415 - models load once Django is set up

    publisher = record_pipeline.publisher(tmp_path / "journal")

    def process() -> None:
        publisher.step()
        record_pipeline.write_messages(broker)
        publisher.step()
        uploads.upload_pending()

    return process


@pytest.fixture
def noted(gateway: Client, tmp_path: Path) -> Callable[[], list[Any]]:
    """Reads the access records in the journal of `gateway`."""
    from tests.support.access_log import noted_in  # noqa: PLC0415 - models load once Django is set up

    return lambda: noted_in(tmp_path)


@pytest.fixture
def as_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process write records as a worker does: as rows."""
    from celery import signals  # noqa: PLC0415 - as above

    import worker.app  # noqa: F401, PLC0415 - connects the signals
    from recording import recorder  # noqa: PLC0415

    monkeypatch.setattr(recorder._Place, "has_journal", recorder._Place.has_journal)  # set back after the test
    signals.worker_init.send(sender=None)
