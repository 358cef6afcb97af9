"""A role on a server that may read the test databases, and no more."""

import secrets
from collections.abc import Iterator
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from text_to_sql.test_databases import NAMES
from text_to_sql.test_databases.loading import server_url

READER = "test_reader"


def make_reader(url: str) -> dict[str, Any]:
    """Makes the role anew, with a random password; returns how it connects, without a database's name.

    The password is stored nowhere but in the registered databases, encrypted.
    """
    server, password = server_url(url), secrets.token_urlsafe(24)
    is_mysql = server.drivername.startswith("mysql")
    for database, statement in (_mysql if is_mysql else _postgres)(password):
        _run(server.set(database=database) if database else server, statement)
    return {
        "engine": "mysql" if is_mysql else "postgres",
        "host": server.host or str(server.query.get("host", "")),
        "port": server.port or (3306 if is_mysql else 5432),
        "user": READER,
        "passwd": password,
    }


def _run(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()


def _mysql(password: str) -> Iterator[tuple[str, str]]:
    yield "", f"DROP USER IF EXISTS {READER}@'%'"
    yield "", f"CREATE USER {READER}@'%' IDENTIFIED BY '{password}'"
    for name in NAMES:
        yield "", f"GRANT SELECT ON `test\\_{name}`.* TO {READER}@'%'"


def _postgres(password: str) -> Iterator[tuple[str, str]]:
    """The databases are new, so an older role of this name owns and may nothing any more."""
    yield "", f"DROP ROLE IF EXISTS {READER}"
    yield "", f"CREATE ROLE {READER} LOGIN NOINHERIT PASSWORD '{password}'"
    yield "", f"ALTER ROLE {READER} SET default_transaction_read_only = on"
    for name in NAMES:
        yield f"test_{name}", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        yield f"test_{name}", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"
