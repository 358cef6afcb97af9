"""Partitions a log by month with the SQL of docs/scaling.md, and checks that the product still works."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from django.core.management import call_command
from django.db import connection

from common.ids import uuid7
from common.row_scope import EVERYTHING
from ml_proxy import history
from ml_proxy.history import HISTORY, wanted
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.models import Disposition
from recording.publisher import journal_folder
from tests.support.postgres import Postgres
from tools.benchmarks.results import Results
from tools.benchmarks.scale import bulk_load, inserts, pages
from tools.benchmarks.scale.commands import run_manage
from tools.benchmarks.scale.partitions import ATTACH, DETACH, FUNCTION, MONTH, ONCE
from tools.benchmarks.scale.queries import QueryCase, measure
from tools.benchmarks.scale.run import Run
from tools.benchmarks.scale.synthetic import BEGIN

YEARS = 5
DECEMBER, JANUARY = (datetime(2026 + n, 12 - 11 * n, 5, tzinfo=UTC) for n in (0, 1))
FACT, PARTITIONED = "fact", "divided"
EXECUTIONS = 200
MAX_ANSWER_DELAY = timedelta(hours=1)  # limit between id and answer; UPSTREAM_TOTAL_SECONDS is shorter


class CheckFailed(Exception):
    """The product does not behave as the page says."""


def check_partitions(postgres: Postgres, results: Results, rows: int, page: dict[str, str]) -> None:
    """Runs all checks in order. Raises `CheckFailed`."""
    call_command("migrate", verbosity=0)
    journal = journal_folder()
    journal.mkdir(parents=True)
    bulk_load.grow(rows, journal, timedelta(days=365.25 * YEARS) / rows)
    run = partial(Run, postgres, journal, results, executions=EXECUTIONS)
    _measure_pages(run(rows=1))
    execute(page[FUNCTION])
    results.notes.append(f"{rows:,} rows, which became the first partition in {_seconds(page[ONCE]):.2f} s.")
    execute(page[MONTH])
    _check_writes()
    execute("ANALYZE")
    _measure_pages(run(rows=3))
    _check_detached_month(page)
    _check_missing_partition()
    _split_by_month(page[MONTH])
    count = 3 + YEARS * 12 - 1  # December, the default partition, and the months that replace the first partition
    _measure_pages(run(rows=count))
    _measure_bounded(run(rows=count))
    inserts.insert(run(rows=count))
    _verify("by month")


def execute(statement: str) -> None:
    """Executes one or more statements."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def months() -> Iterator[tuple[str, str, str]]:
    """Yields each month of the log: its name, its lower bound, and its upper bound."""
    firsts = [datetime(BEGIN.year + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(YEARS * 12 + 1)]
    for this, following in pairwise(firsts):
        yield f"{this:%Y_%m}", f"{this:%Y-%m-%d}Z", f"{following:%Y-%m-%d}Z"


def _check_writes() -> None:
    """Writes into each partition, twice; reads the rows; verifies the log."""
    for begin, where in ((BEGIN, "before"), (DECEMBER, "2026_12"), (JANUARY, "other")):
        [batch] = inserts.batches(1, begin)
        for _ in range(2):
            write_batch(batch)
        _require(_rows_in(where, batch) == len(batch.records), f"200 rows in {where}")
    _require(not Disposition.objects.exists(), "no record quarantined")
    found = history.page(wanted(scope=EVERYTHING)).rows
    _require(found == sorted(found, key=lambda row: (row.predicted_at, row.id), reverse=True), "newest first")
    _require(found[0].predicted_at > JANUARY, "the newest of all")
    _require(history.one(found[-1].id, EVERYTHING) == found[-1], "found by its id")
    _verify("in three partitions")


def _check_detached_month(page: dict[str, str]) -> None:
    execute(page[DETACH])
    done = run_manage("verify_log", "--no-progress")
    _require(
        done.status == 1 and "missing: number 1-200" in done.output, "verify_log reports the detached rows as missing"
    )
    execute(page[ATTACH])
    _verify("after December was attached again")


def _check_missing_partition() -> None:
    """A record without a partition is quarantined: the database rejects its row, which a retry does not change."""
    execute("ALTER TABLE ml_proxy_inferencelog DETACH PARTITION ml_proxy_inferencelog_other")
    [batch] = inserts.batches(1, JANUARY)
    write_batch(replace(batch, records=batch.records[:1]))
    _require(Disposition.objects.filter(kind="quarantined", origin=batch.origin).count() == 1, "quarantine")
    Disposition.objects.all().delete()
    execute("ALTER TABLE ml_proxy_inferencelog ATTACH PARTITION ml_proxy_inferencelog_other DEFAULT")
    write_batch(batch)
    _verify("after a partition was missing")


def _split_by_month(template: str) -> None:
    """Moves the rows of the first partition into one partition per month."""
    execute("ALTER TABLE ml_proxy_inferencelog DETACH PARTITION ml_proxy_inferencelog_before")
    for name, begins, ends in months():
        month = template.replace("2026_12", name).replace("2026-12-01Z", begins).replace("2027-01-01Z", ends)
        execute(month)
    execute("INSERT INTO ml_proxy_inferencelog SELECT * FROM ml_proxy_inferencelog_before")
    execute("DROP TABLE ml_proxy_inferencelog_before")
    execute("VACUUM (ANALYZE)")


def _measure_pages(run: Run) -> None:
    for case in pages.page_cases():
        run.add(PARTITIONED, case.name, measure(case, run.executions)[0])


def _measure_bounded(run: Run) -> None:
    """Measures a query that also limits ids, so that PostgreSQL skips partitions. History does not do this."""
    [unfiltered, *_] = pages.history_cases()
    until, since = (unfiltered.cursors(depth)[0].time for depth in (0.55, 0.56))
    rows = HISTORY.matching(wanted(scope=EVERYTHING, since=since, until=until))
    bounded = rows.filter(id__gte=uuid7(since - MAX_ANSWER_DELAY), id__lt=uuid7(until))
    for name, query in (("all, since and until within a month", rows), ("the same, with limits on ids", bounded)):
        act: Callable[[], object] = partial(list, query.values_list("predicted_at", "id", "payload_bytes")[:101])
        run.add(PARTITIONED, name, measure(QueryCase(name, [act], "", 101), run.executions)[0])


def _rows_in(partition: str, batch: Batch) -> int:
    with connection.cursor() as cursor:
        table = f"ml_proxy_inferencelog_{partition}"
        cursor.execute(f"SELECT count(*) FROM {table} WHERE origin = %s", [batch.origin])  # noqa: S608 - ours
        [[count]] = cursor.fetchall()
    return int(count)


def _verify(when: str) -> None:
    done = run_manage("verify_log", "--no-progress")
    _require(done.status == 0, f"verify_log finds nothing {when}: {done.output[-300:]}")


def _require(holds: Any, what: str) -> None:
    if not holds:
        raise CheckFailed(what)


def _seconds(statement: str) -> float:
    started = time.monotonic()
    execute(statement)
    return time.monotonic() - started
