"""Fixtures of all tiers. `--database postgres` runs the tests on PostgreSQL; the default is SQLite."""

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

POSTGRESQL = "django.db.backends.postgresql"
STATE = Path(tempfile.mkdtemp(prefix="ml-proxy-tests-"))

# Before Django reads its settings: ignore the developer's own environment and .env.
for name in (
    "DATABASE_URL",
    "REDIS_URL",
    "ML_SERVER_URL",
    "MLFLOW_TRACKING_URI",
    "FILES_S3_BUCKET",
    "FILES_S3_ENDPOINT_URL",
    "FILES_S3_REGION",
    "API_AUTH",
    "CORS_ALLOWED_ORIGINS",
    "CSRF_TRUSTED_ORIGINS",
    "OIDC_ISSUER",
    "ALLOWED_HOSTS",
    "DATA_KEYS",
    "OPENAI_API_KEY",
):
    os.environ[name] = ""
# A shell starts what it runs in the background without SIGINT, and the programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "backend.settings",
    "DEBUG": "1",
    "VAR_DIR": str(STATE),
    "METRICS_DIR": str(STATE / "metrics"),
    "ORT_DISABLE_TELEMETRY": "1",  # some tests load ONNX Runtime before the packages that say so
}

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from ml_proxy.records import InferenceRecord  # noqa: E402
from recording.journal import Spool  # noqa: E402
from recording.records import decrypted, source_of  # noqa: E402
from tests.support.model import ScriptedModel  # noqa: E402
from tests.support.postgres import Postgres  # noqa: E402
from tests.support.system import System  # noqa: E402
from tests.support.systems import Migrated, new_name, systems  # noqa: E402
from tests.support.wait import until  # noqa: E402

pytest_plugins = ["tests.support.fixtures"]

hypothesis_settings.register_profile("house", deadline=None, max_examples=200)
hypothesis_settings.load_profile("house")

_servers: list[Postgres] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite", help="what to test against")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database: runs on PostgreSQL too")
    config.addinivalue_line(
        "markers", "any_database: the kind of database can't change the result: see CONTRIBUTING.md"
    )
    if config.getoption("numprocesses") and not hasattr(config, "workerinput"):  # the workers run the tests
        del os.environ["DJANGO_SETTINGS_MODULE"]  # the workers would read the settings before this file
        return
    if config.getoption("--database") == "postgres":
        _servers.append(_start_postgres())
        os.environ["DATABASE_URL"] = _servers[0].url
    django.setup()  # after the environment is complete: the settings read it once
    settings.WHITENOISE_AUTOREFRESH = True  # otherwise each client scans all static files
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # real ones are slow
    assert settings.VAR_DIR == STATE
    assert (settings.DATABASES["default"]["ENGINE"] == POSTGRESQL) == bool(os.environ["DATABASE_URL"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures that tests measured."""
    for report in terminalreporter.getreports("passed"):
        for name, figure in report.user_properties:
            terminalreporter.write_line(f"{name}: {figure}")


def pytest_unconfigure() -> None:
    for server in _servers:
        server.close()
    shutil.rmtree(STATE, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks all tests that use the database."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        asks = names & {"db", "transactional_db", "database_url", "migrated"} or item.get_closest_marker("django_db")
        if asks and not item.get_closest_marker("any_database"):
            item.add_marker("database")


def _start_postgres() -> Postgres:
    server = Postgres(STATE / "postgres")
    with psycopg.connect(server.url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):  # tests need no durability
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
    return server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, also for a run on SQLite."""
    if _servers:
        yield _servers[0]
        return
    server = _start_postgres()
    yield server
    server.close()


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """A model server that the test scripts."""
    server = ScriptedModel()
    yield server
    server.close()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Waits at the end for look-ups of credentials: PostgreSQL drops no database that a thread is connected to."""
    yield
    for thread in threading.enumerate():
        if thread.name in {"credentials", "passwords"}:
            thread.join(30)


@pytest.fixture
def gateway(model: ScriptedModel, settings: Settings, tmp_path: Path) -> Iterator[Client]:
    """The gateway in the test's process, with a journal of its own, in front of `model`."""
    settings.ML_SERVER_URL = model.url
    settings.VAR_DIR = tmp_path
    from recording import recorder  # noqa: PLC0415 - models load once Django is set up

    recorder.reset()
    yield Client(raise_request_exception=False)
    recorder.reset()


@pytest.fixture(autouse=True)
def _empty_journal() -> Iterator[None]:
    """Empties the journal of the test's process: every look at history is recorded in it.

    Forgets the origins of rows that were written directly: they are in this test's database, and the next test may
    have none.
    """
    yield
    if failures := sys.modules.get("accounts.access_log.failures"):
        failures.refusals.reset()
    if recorder := sys.modules.get("recording.recorder"):
        recorder._forget()
    shutil.rmtree(STATE / "journal", ignore_errors=True)


@pytest.fixture
def journaled(tmp_path: Path) -> Callable[[], list[InferenceRecord]]:
    """Reads all inferences in the journal of `gateway`."""

    def read() -> list[InferenceRecord]:
        folder = tmp_path / "journal"
        names = Spool(folder).segments() if folder.exists() else []
        entries = (entry for name in names for entry in Spool(folder).entries(name))
        payloads = [decrypted(entry.payload) for entry in entries]
        return [InferenceRecord.decode(raw) for raw in payloads if source_of(raw)[0] == InferenceRecord.SOURCE]

    return read


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server for this test run."""
    system = System(tmp_path_factory.mktemp("redis"))
    system.start("redis")
    url = f"redis://127.0.0.1:{system.environment['REDIS_PORT']}/0"
    until(redis.Redis.from_url(url).ping, what="redis")
    yield url
    system.stop()


@pytest.fixture
def empty_redis(redis_url: str) -> str:
    """`redis_url`, emptied."""
    with redis.Redis.from_url(redis_url) as connection:
        connection.flushall()
    return redis_url


@pytest.fixture(scope="module")
def database_url() -> str:
    """An empty database for real processes; blank for an SQLite file in their state folder."""
    return _servers[0].make_database(new_name()) if _servers else ""


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    """The template of the systems' databases."""
    return Migrated(tmp_path_factory.mktemp("migrated"), _servers[0] if _servers else None)


@pytest.fixture
def make_system(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Iterator[Callable[..., System]]:
    """Creates systems of real processes, and stops them after the test."""
    with systems(tmp_path_factory.mktemp, migrated) as make:
        yield make


@pytest.fixture(scope="module")
def make_shared_system(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Iterator[Callable[..., System]]:
    """As `make_system`, for all tests of a module."""
    with systems(tmp_path_factory.mktemp, migrated) as make:
        yield make


@pytest.fixture(scope="module")
def shared_model() -> Iterator[ScriptedModel]:
    """A model server for all tests of a module."""
    server = ScriptedModel()
    yield server
    server.close()
