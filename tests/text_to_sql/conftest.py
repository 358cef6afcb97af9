"""Fixtures of text_to_sql."""

from collections.abc import Iterator

import pytest

from tests.support.mariadb import MariaDB


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A MariaDB server for this test run; the tests that need it are skipped if it is not installed."""
    server = MariaDB(tmp_path_factory.mktemp("mariadb") / "data")
    yield server
    server.close()
