"""Registers the test databases, takes their tables in, and gives them their verified examples."""

from typing import Any

from text_to_sql import extraction, metadata, registration
from text_to_sql.models import Database, Example, Synonym
from text_to_sql.test_databases import KOREAN_NAMES
from text_to_sql.test_databases.ddl import comments
from text_to_sql.test_databases.examples import EXAMPLES, SYNONYMS, sql_of


def register(name: str, file: str, eng_name: str) -> Database:
    """Registers a SQLite file in SQLITE_FOLDER, or takes it in again. Raises `GatewayError`."""
    values = {
        "kor_name": KOREAN_NAMES[name],
        "eng_name": eng_name,
        "description": "테스트용 데이터베이스 (합성 데이터)",
    }
    database = Database.objects.filter(engine="sqlite", db=file).first() or Database()
    registration.change(database, {**values, "connection_info": {"engine": "sqlite", "db": file}})
    tables = metadata.merged(database, extraction.extract(database.info, database.schema))["tables"]
    metadata.save(database, _commented(name, tables), [])
    _add_words(name, database)
    return database


def _add_words(name: str, database: Database) -> None:
    for questions, sql in EXAMPLES[name]:
        for question in questions:
            Example.objects.update_or_create(
                database=database, question=question, defaults={"sql": sql_of(sql, database.engine)}
            )
    for word, means in SYNONYMS[name]:
        Synonym.objects.get_or_create(database=database, word=word, means=means)


def _commented(name: str, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tables with the comments of the DDL as Korean names, since SQLite keeps no comments."""
    texts = comments(name)
    for table in tables:
        table["kor_name"] = table["kor_name"] or texts.get((table["name"], ""), "")
        for column in table["columns"]:
            column["kor_name"] = column["kor_name"] or texts.get((table["name"], column["name"]), "")
    return tables
