"""Registers the test databases, takes their tables in, and adds the examples that run on them."""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common.conf import settings
from common.exceptions import GatewayError
from text_to_sql import extraction, metadata, registration
from text_to_sql.catalogue import catalogue_of
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits
from text_to_sql.guard import QueryRefused, check
from text_to_sql.models import Database, Example, Synonym
from text_to_sql.test_databases import KOREAN_NAMES, NAMES
from text_to_sql.test_databases.ddl import comments
from text_to_sql.test_databases.examples import examples, sql_of, synonyms

log = logging.getLogger(__name__)
_TRIAL = Limits(seconds=10, rows=1, bytes=10_000)


def is_wanted() -> bool:
    """Whether `make up` should write the files: none is registered, or theirs are of an earlier day."""
    registered = list(Database.objects.values_list("engine", "db"))
    files = [Path(settings.SQLITE_FOLDER) / file_of(name) for name in NAMES if ("sqlite", file_of(name)) in registered]
    return not registered or any(_is_old(file) for file in files)


def file_of(name: str) -> str:
    """The name of a test database's file."""
    return f"test_{name}.sqlite3"


def register(name: str, connection: Mapping[str, Any], eng_name: str = "") -> Database:
    """The database, registered, with its tables, examples and synonyms. Raises `GatewayError`."""
    values = {
        "kor_name": KOREAN_NAMES[name],
        "eng_name": eng_name or f"test_{name}",
        "description": "테스트용 데이터베이스 (합성 데이터)",
        "connection_info": dict(connection),
    }
    known = {key: connection[key] for key in ("engine", "host", "port") if key in connection}
    database = Database.objects.filter(**known, db=connection["db"]).first() or Database()
    registration.change(database, values)
    tables = metadata.merged(database, extraction.extract(database.info, database.schema))["tables"]
    metadata.save(database, _commented(name, tables), [])
    for question, sql in _examples(name, database):
        Example.objects.get_or_create(database=database, question=question, defaults={"sql": sql})
    for word, means in synonyms(name).items():
        Synonym.objects.get_or_create(database=database, word=word, means=means)
    return database


def _examples(name: str, database: Database) -> Iterator[tuple[str, str]]:
    """The questions with their SQL in the database's dialect. Those of SQLite are known to run."""
    for example in examples(name):
        written = sql_of(example.sql, database.engine)
        if database.engine == "sqlite" or _runs(written, database):
            yield from ((question, written) for question in (example.ko, example.en))


def _runs(sql: str, database: Database) -> bool:
    catalogue = catalogue_of(database, None)
    try:
        wall.run(database.info, check(sql, catalogue, 1).sql, catalogue.tables, _TRIAL)
    except (QueryRefused, GatewayError) as exc:
        log.warning("an example does not run on %s and is left out (%s): %s", database.engine, exc, sql)
        return False
    return True


def _is_old(file: Path) -> bool:
    try:
        written = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
    except FileNotFoundError:
        return True
    return written.date() < dt.datetime.now(dt.UTC).date()


def _commented(name: str, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tables with the comments of the DDL as Korean names, since SQLite keeps no comments."""
    texts = comments(name)
    for table in tables:
        table["kor_name"] = table["kor_name"] or texts.get((table["name"], ""), "")
        for column in table["columns"]:
            column["kor_name"] = column["kor_name"] or texts.get((table["name"], column["name"]), "")
    return tables
