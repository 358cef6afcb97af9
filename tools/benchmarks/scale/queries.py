"""Times the product's queries of the log, statement by statement, and checks their plans."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from psycopg.pq import ExecStatus

from tests.support.query_plans import Explained, explained, select_statements
from tools.benchmarks.results import percentile

TABLE = "ml_proxy_inferencelog"
RANKS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class QueryCase:
    """A query of the product at several positions in the log, and the index that its plan must use."""

    name: str
    calls: Sequence[Callable[[], object]]
    index: str
    max_rows: int  # that one statement may touch
    may_sort: bool = False  # rows that it found by their ids


def measure(case: QueryCase, executions: int) -> tuple[dict[str, float], set[str]]:
    """Returns the milliseconds of all statements of one call together, and the faults of their plans.

    `p50` … are the time for execute and fetch, on an open connection, until libpq has all rows, without Python's
    processing. `server_p50` … are PostgreSQL's own time to plan and execute.
    """
    statements_by_call = [select_statements(act, TABLE) for act in case.calls]
    times, own, faults = list[float](), list[float](), set[str]()
    rows = blocks = 0
    for _ in range(math.ceil(executions / len(statements_by_call))):
        for statements in statements_by_call:
            times.append(_milliseconds(statements))
            found = [explained(sql) for sql in statements]
            own.append(sum(each.milliseconds for each in found))
            rows, blocks = max(rows, sum(each.rows for each in found)), max(blocks, sum(each.blocks for each in found))
            faults |= _faults(case, found)
    figures = {"executions": float(len(times)), "rows": float(rows), "blocks": float(blocks)}
    return figures | _ranked("", times) | _ranked("server_", own), faults


def _milliseconds(statements: Iterable[str]) -> float:
    connection.ensure_connection()
    libpq = connection.connection.pgconn
    encoded = [sql.encode() for sql in statements]
    started = time.perf_counter()
    answers = [libpq.exec_(sql) for sql in encoded]
    elapsed = (time.perf_counter() - started) * 1000
    if any(answer.status != ExecStatus.TUPLES_OK for answer in answers):
        raise RuntimeError(libpq.error_message)
    return elapsed


def _ranked(prefix: str, values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {f"{prefix}{name}": percentile(ordered, rank) for name, rank in RANKS.items()}


def _faults(case: QueryCase, found: Sequence[Explained]) -> set[str]:
    faults = set[str]()
    if not any(node.get("Index Name", "").endswith(case.index) for each in found for node in each.nodes):
        faults.add(f"not by {case.index}")
    for each in found:
        kinds = {node["Node Type"] for node in each.nodes}
        faults |= {kind for kind in kinds if kind == "Seq Scan" or (kind.endswith("Sort") and not case.may_sort)}
        if each.rows > case.max_rows:
            faults.add(f"{each.rows} rows touched")
    return faults
