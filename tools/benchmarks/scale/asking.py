"""Times what the product asks of the log, statement by statement, and judges PostgreSQL's plans of it."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from psycopg.pq import ExecStatus

from tests.support.plans import Explained, explained, statements_of
from tools.benchmarks.results import percentile

TABLE = "ml_proxy_inferencelog"
RANKS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Asked:
    """Something that the product asks in several places of the log, and by which index that is to be found."""

    name: str
    acts: Sequence[Callable[[], object]]
    index: str
    most: int  # rows that one statement may touch
    may_sort: bool = False  # those that it found by their ids


def measure(asked: Asked, executions: int) -> tuple[dict[str, float], set[str]]:
    """Milliseconds of all statements of one act together, and what is wrong with their plans.

    `p50` … are around execute and fetch, on an open connection, until libpq has all rows; what Python makes of them is
    the gateway's. `server_p50` … are PostgreSQL's own, to plan and to execute.
    """
    places = [statements_of(act, TABLE) for act in asked.acts]
    times, own, faults = list[float](), list[float](), set[str]()
    rows = blocks = 0
    for _ in range(math.ceil(executions / len(places))):
        for statements in places:
            times.append(_milliseconds(statements))
            found = [explained(sql) for sql in statements]
            own.append(sum(each.milliseconds for each in found))
            rows, blocks = max(rows, sum(each.rows for each in found)), max(blocks, sum(each.blocks for each in found))
            faults |= _faults(asked, found)
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


def _faults(asked: Asked, found: Sequence[Explained]) -> set[str]:
    faults = set[str]()
    if not any(node.get("Index Name", "").endswith(asked.index) for each in found for node in each.nodes):
        faults.add(f"not by {asked.index}")
    for each in found:
        kinds = {node["Node Type"] for node in each.nodes}
        faults |= {kind for kind in kinds if kind == "Seq Scan" or (kind.endswith("Sort") and not asked.may_sort)}
        if each.rows > asked.most:
            faults.add(f"{each.rows} rows touched")
    return faults
