"""A text in a statement reaches the database as it is: no quote and no backslash ends it early."""

import json
import random

from pymysql.converters import escape_string

from tests.text_to_sql.conftest import Target
from text_to_sql.connections.info import read
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits
from text_to_sql.guard import Catalogue, Table, check

LIMITS = Limits(seconds=10, rows=100, bytes=1_000_000)
ALPHABET = ["\\", "'", '"', "''", "\\'", "--", "/*", "*/", "#", ";", "%", "_", "a", "가", " ", "`", "$$", "\n"]


def literal(text: str, engine: str) -> str:
    return f"'{escape_string(text)}'" if engine == "mysql" else "'" + text.replace("'", "''") + "'"


def test_every_text_comes_back_as_it_was(target: Target) -> None:
    rng = random.Random(5)
    texts = ["".join(rng.choices(ALPHABET, k=rng.randrange(1, 8))) for _ in range(300)]
    catalogue = Catalogue(target.engine, target.schema, (Table("people", ("id",)),))
    for start in range(0, len(texts), 50):
        part = texts[start : start + 50]
        columns = ", ".join(f"{literal(text, target.engine)} AS c{number}" for number, text in enumerate(part))
        sql = check(f"SELECT {columns} FROM people WHERE id = 1", catalogue, 1).sql
        [row] = wall.run(read(target.owner), sql, catalogue.tables, LIMITS).rows
        assert list(json.loads(row).values()) == part
