"""What SQLite has in place of roles: an authorizer that sees each column and function a statement uses, and a clock.

It permits reading visible columns, and nothing else. It can't choose rows.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from text_to_sql.guard import Table, columns_of_rule

# A call of one function can't be interrupted, and INSTR takes the square of the length: 10 s for a value of 1 MB.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,  # bytes of a value
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,  # bytes; the guard takes 20,000 characters, and writes more than it took
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_STEPS = 10_000  # of SQLite's machine between two looks at the clock: about a millisecond
_DENIED_FUNCTION_NAMES = """
    load_extension readfile writefile edit fts3_tokenizer fts5 fts5_source_id optimize randomblob zeroblob rtreecheck
    rtreenode sqlite_log sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version
"""
_DENIED_FUNCTIONS = frozenset(_DENIED_FUNCTION_NAMES.split())
_OWN = ("sqlite_", "pragma_")  # how the names of SQLite's own tables begin

Read = tuple[str, str]  # a table and its column in lower case; a blank column is the table without any, as in COUNT(*)
Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def build(connection: sqlite3.Connection, readable: Sequence[Table], seconds: float) -> None:
    """From here on, the connection reads the columns of these tables only, for so many seconds."""
    names = {table.name.lower() for table in readable}
    hidden = frozenset(_all_names(connection)) - names
    visible = frozenset((table.name.lower(), column.lower()) for table in readable for column in _columns(table))
    connection.set_authorizer(_authorizer(visible, hidden, _reads_of_views(connection, names)))
    ends_at = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() >= ends_at, _STEPS)
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)


def _columns(table: Table) -> set[str]:
    """The visible columns, and those that the table's rule needs."""
    return {*table.columns, *(columns_of_rule(table.rule, "sqlite") if table.rule else ())}


def _all_names(connection: sqlite3.Connection) -> Iterator[str]:
    """The tables and views of the file, and the tables that SQLite computes, such as `json_each`."""
    for statement in ("SELECT name FROM sqlite_master", "SELECT name FROM pragma_module_list"):
        yield from (name.lower() for (name,) in connection.execute(statement))


def _reads_of_views(connection: sqlite3.Connection, names: set[str]) -> dict[str, frozenset[Read]]:
    """What each visible view reads: it may show columns of hidden tables."""
    views = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
    return {name.lower(): _reads_of(connection, name) for name in views if name.lower() in names}


def _reads_of(connection: sqlite3.Connection, view: str) -> frozenset[Read]:
    found: set[Read] = set()

    def note(action: int, first: str | None, second: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ:
            found.add(((first or "").lower(), (second or "").lower()))
        return sqlite3.SQLITE_OK

    connection.set_authorizer(note)
    quoted = view.replace('"', '""')
    with suppress(sqlite3.Error):  # a view whose tables are gone: no other statement has to fail
        connection.execute(f'EXPLAIN SELECT * FROM "main"."{quoted}"').close()  # noqa: S608 - quoted
    connection.set_authorizer(None)
    return frozenset(found)


def _authorizer(visible: frozenset[Read], hidden: frozenset[str], of_views: dict[str, frozenset[Read]]) -> Authorizer:
    def may_read(table: str, column: str, inside: str) -> bool:
        """`inside` is the view or the query of WITH that reads. A name without a column may be one of WITH, too."""
        if (table, column) in visible or (table, column) in of_views.get(inside, ()):
            return True
        return not column and table not in hidden and not table.startswith(_OWN)

    def decide(action: int, first: str | None, second: str | None, _: str | None, inside: str | None) -> int:
        name, detail = (first or "").lower(), (second or "").lower()
        if action == sqlite3.SQLITE_READ:
            is_allowed = may_read(name, detail, (inside or "").lower())
        elif action == sqlite3.SQLITE_FUNCTION:
            is_allowed = detail not in _DENIED_FUNCTIONS
        else:
            is_allowed = action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY

    return decide
