"""The rows of a variant's log, counted past it."""

from typing import Any, LiteralString

import psycopg
from psycopg import sql


class Rows:
    """Counts a table's rows.

    Only those that came since the last `settle` are looked at, or counting would cost more and more of the cores that
    are being measured. `key` is a column whose values grow: what is written later has a higher one.
    """

    def __init__(self, url: str, table: LiteralString, key: LiteralString = "id") -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._table, self._key = sql.Identifier(table), sql.Identifier(key)
        self._settled = 0
        self._highest: Any = None

    def count(self) -> int:
        """How many there are."""
        if self._highest is None:
            return self.count_all()
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {} > %s").format(self._table, self._key)
        return self._settled + int(self._one(statement, self._highest)[0])

    def count_all(self) -> int:
        """How many there are, each looked at."""
        return int(self._one(sql.SQL("SELECT count(*) FROM {}").format(self._table))[0])

    def settle(self) -> None:
        """Takes those that are there as known. Not while some are being written."""
        newest = sql.SQL("SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1")
        found = self._connection.execute(newest.format(key=self._key, table=self._table)).fetchone()
        self._settled = self.count_all()
        self._highest = found[0] if found else None

    def close(self) -> None:
        """Lets go of the database."""
        self._connection.close()

    def _one(self, statement: sql.Composed, *values: Any) -> tuple[Any, ...]:
        [found] = self._connection.execute(statement, values).fetchall()
        return tuple(found)
