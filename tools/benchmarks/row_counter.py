"""Counts the rows of a variant's log directly in its database."""

from typing import Any, LiteralString

import psycopg
from psycopg import sql


class RowCounter:
    """Counts the rows of a table.

    It reads only the rows since the last `settle`, because a full count would use more and more of the measured CPU.
    The values of the column `key` must increase with each insert.
    """

    def __init__(self, url: str, table: LiteralString, key: LiteralString = "id") -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._table, self._key = sql.Identifier(table), sql.Identifier(key)
        self._settled = 0
        self._highest: Any = None

    def count(self) -> int:
        """Returns the number of rows."""
        if self._highest is None:
            return self.count_all()
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {} > %s").format(self._table, self._key)
        return self._settled + int(self._one(statement, self._highest)[0])

    def count_all(self) -> int:
        """Counts all rows without using the last `settle`."""
        return int(self._one(sql.SQL("SELECT count(*) FROM {}").format(self._table))[0])

    def settle(self) -> None:
        """Takes the current rows as counted. Do not call it while rows are being written."""
        newest = sql.SQL("SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1")
        found = self._connection.execute(newest.format(key=self._key, table=self._table)).fetchone()
        self._settled = self.count_all()
        self._highest = found[0] if found else None

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _one(self, statement: sql.Composed, *values: Any) -> tuple[Any, ...]:
        [found] = self._connection.execute(statement, values).fetchall()
        return tuple(found)
