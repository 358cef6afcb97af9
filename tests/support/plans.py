"""What a statement costs, as the database itself tells: how it goes about it, and how much it touches."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

STEPS_PER_ROW = 25  # instructions of SQLite's virtual machine; a row of a page takes up to as many


@dataclass(frozen=True)
class Cost:
    """One statement: the database's plan, and rows touched (on SQLite: what that many instructions would be)."""

    sql: str
    plan: str
    rows: int


def costs_of(act: Callable[[], Any], table: str) -> list[Cost]:
    """What `act` asked of `table`, asked again."""
    with CaptureQueriesContext(connection) as captured:
        act()
    statements = [query["sql"] for query in captured.captured_queries]
    return [_cost(sql) for sql in statements if f'"{table}"' in sql and sql.startswith("SELECT")]


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


def _postgresql(sql: str) -> Cost:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        [[found]] = cursor.fetchall()
    [explained] = json.loads(found) if isinstance(found, str) else found
    nodes = list(_nodes(explained["Plan"]))
    scans = [node for node in nodes if "Scan" in node["Node Type"]]
    plan = "\n".join(
        f"{node['Node Type']} {node.get('Index Name', '')} {node.get('Index Cond', '')}".strip() for node in nodes
    )
    return Cost(sql, plan, sum(map(_touched, scans)))


def _touched(scan: dict[str, Any]) -> int:
    removed = scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    return int((scan["Actual Rows"] + removed) * scan["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", []):
        yield from _nodes(inner)
