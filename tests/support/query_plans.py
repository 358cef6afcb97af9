"""The cost of SQL statements: the database's plan, and the number of rows it reads."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

STEPS_PER_ROW = 25  # maximum instructions of SQLite's virtual machine per row of a page


@dataclass(frozen=True)
class Cost:
    """A statement, its plan, and the rows read (on SQLite estimated from instructions)."""

    sql: str
    plan: str
    rows: int


def query_costs(act: Callable[[], Any], table: str) -> list[Cost]:
    """The cost of each statement by which `act` reads from `table`."""
    return [_cost(sql) for sql in select_statements(act, table)]


def select_statements(act: Callable[[], Any], table: str) -> list[str]:
    """The statements by which `act` reads from `table`."""
    with CaptureQueriesContext(connection) as captured:
        act()
    statements = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in statements if f'"{table}"' in sql and sql.startswith("SELECT")]


def _cost(sql: str) -> Cost:
    return _sqlite(sql) if connection.vendor == "sqlite" else _postgresql(sql)


def _sqlite(sql: str) -> Cost:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = "\n".join(row[-1] for row in cursor.fetchall())
        connection.connection.set_progress_handler(count, 10)
        cursor.execute(sql)
        cursor.fetchall()
        connection.connection.set_progress_handler(None, 0)
    return Cost(sql, plan, steps // STEPS_PER_ROW)


@dataclass(frozen=True)
class Explained:
    """PostgreSQL's EXPLAIN of a statement: the nodes of the plan, and the time to plan and execute."""

    nodes: list[dict[str, Any]]
    milliseconds: float

    @property
    def rows(self) -> int:
        """Rows that its scans read, filtered ones included."""
        return sum(_touched(node) for node in self.nodes if "Scan" in node["Node Type"])

    @property
    def blocks(self) -> int:
        """Blocks read, from the cache or from disk."""
        return int(self.nodes[0].get("Shared Hit Blocks", 0) + self.nodes[0].get("Shared Read Blocks", 0))

    @property
    def plan(self) -> str:
        """A line per node: its type, its index, and the index condition."""
        wanted = ("Node Type", "Index Name", "Index Cond")
        return "\n".join(" ".join(str(node[name]) for name in wanted if name in node) for node in self.nodes)


def explained(sql: str) -> Explained:
    """Executes a statement on PostgreSQL with EXPLAIN ANALYZE."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        [[found]] = cursor.fetchall()
    [report] = json.loads(found) if isinstance(found, str) else found
    return Explained(list(_nodes(report["Plan"])), report["Planning Time"] + report["Execution Time"])


def _postgresql(sql: str) -> Cost:
    found = explained(sql)
    return Cost(sql, found.plan, found.rows)


def _touched(scan: dict[str, Any]) -> int:
    removed = scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    return int((scan["Actual Rows"] + removed) * scan["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", []):
        yield from _nodes(inner)
