"""Divides a log by month with the SQL of docs/scaling.md, and looks whether the product goes on as before."""

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
from ml_proxy import history
from ml_proxy.history import HISTORY, wanted
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.models import Disposition
from recording.publisher import journal_folder
from tests.support.postgres import Postgres
from tools.benchmarks.results import Results
from tools.benchmarks.scale import growing, pages, writing
from tools.benchmarks.scale.asking import Asked, measure
from tools.benchmarks.scale.commands import ran
from tools.benchmarks.scale.partitions import BACK, BORDER, GOES, MONTH, ONCE
from tools.benchmarks.scale.run import Run
from tools.benchmarks.scale.synthetic import BEGIN

YEARS = 5
DECEMBER, JANUARY = (datetime(2026 + n, 12 - 11 * n, 5, tzinfo=UTC) for n in (0, 1))
FACT, DIVIDED = "fact", "divided"
EXECUTIONS = 200
LATEST = timedelta(hours=1)  # after its id was made, at which an answer can come: UPSTREAM_TOTAL_SECONDS is no more


class NotAsSaid(Exception):
    """The page tells what is not so."""


def divide(postgres: Postgres, results: Results, rows: int, page: dict[str, str]) -> None:
    """All of it, in order. Raises `NotAsSaid`."""
    call_command("migrate", verbosity=0)
    journal = journal_folder()
    journal.mkdir(parents=True)
    growing.grow(rows, journal, timedelta(days=365.25 * YEARS) / rows)
    run = partial(Run, postgres, journal, results, executions=EXECUTIONS)
    _pages(run(rows=1))
    execute(page[BORDER])
    results.notes.append(f"{rows:,} rows, which became the first partition in {_seconds(page[ONCE]):.2f} s.")
    execute(page[MONTH])
    _goes_on()
    execute("ANALYZE")
    _pages(run(rows=3))
    _month_away(page)
    _no_place()
    _by_month(page[MONTH])
    count = 3 + YEARS * 12 - 1  # December, the other one, and the months in the place of the first
    _pages(run(rows=count))
    _bounded(run(rows=count))
    writing.insert(run(rows=count))
    _verify("by month")


def execute(statement: str) -> None:
    """One or more statements."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def months() -> Iterator[tuple[str, str, str]]:
    """Each month that was grown: its name, its border, and the next one's."""
    firsts = [datetime(BEGIN.year + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(YEARS * 12 + 1)]
    for this, following in pairwise(firsts):
        yield f"{this:%Y_%m}", f"{this:%Y-%m-%d}Z", f"{following:%Y-%m-%d}Z"


def _goes_on() -> None:
    """Writes into each partition, twice; reads back; proves."""
    for begin, where in ((BEGIN, "before"), (DECEMBER, "2026_12"), (JANUARY, "other")):
        [batch] = writing.batches(1, begin)
        for _ in range(2):
            write_batch(batch)
        _require(_rows_in(where, batch) == len(batch.records), f"200 rows in {where}")
    _require(not Disposition.objects.exists(), "no record quarantined")
    found = history.page(wanted()).rows
    _require(found == sorted(found, key=lambda row: (row.predicted_at, row.id), reverse=True), "newest first")
    _require(found[0].predicted_at > JANUARY, "the newest of all")
    _require(history.one(found[-1].id) == found[-1], "found by its id")
    _verify("in three partitions")


def _month_away(page: dict[str, str]) -> None:
    execute(page[GOES])
    done = ran("verify_log", "--no-progress")
    _require(done.status == 1 and "missing: number 1-200" in done.said, "verify_log misses what was detached")
    execute(page[BACK])
    _verify("after December came back")


def _no_place() -> None:
    """Without a partition for it, a record is quarantined: a database that refuses a row is no trouble that passes."""
    execute("ALTER TABLE ml_proxy_inferencelog DETACH PARTITION ml_proxy_inferencelog_other")
    [batch] = writing.batches(1, JANUARY)
    write_batch(replace(batch, records=batch.records[:1]))
    _require(Disposition.objects.filter(kind="quarantined", origin=batch.origin).count() == 1, "quarantine")
    Disposition.objects.all().delete()
    execute("ALTER TABLE ml_proxy_inferencelog ATTACH PARTITION ml_proxy_inferencelog_other DEFAULT")
    write_batch(batch)
    _verify("after a partition was missing")


def _by_month(template: str) -> None:
    """The rows of the first partition, each into its month."""
    execute("ALTER TABLE ml_proxy_inferencelog DETACH PARTITION ml_proxy_inferencelog_before")
    for name, begins, ends in months():
        month = template.replace("2026_12", name).replace("2026-12-01Z", begins).replace("2027-01-01Z", ends)
        execute(month)
    execute("INSERT INTO ml_proxy_inferencelog SELECT * FROM ml_proxy_inferencelog_before")
    execute("DROP TABLE ml_proxy_inferencelog_before")
    execute("VACUUM (ANALYZE)")


def _pages(run: Run) -> None:
    for asked in pages.questions():
        run.add(DIVIDED, asked.name, measure(asked, run.executions)[0])


def _bounded(run: Run) -> None:
    """What history does not do: ids sort by time, so that a bound on time is one on ids, and so on partitions."""
    [everyone, *_] = pages.everybody()
    until, since = (everyone.places(depth)[0].time for depth in (0.55, 0.56))
    rows = HISTORY.matching(wanted(since=since, until=until))
    bounded = rows.filter(id__gte=uuid7(since - LATEST), id__lt=uuid7(until))
    for name, query in (("all, since and until within a month", rows), ("the same, ids bounded too", bounded)):
        act: Callable[[], object] = partial(list, query.values_list("predicted_at", "id", "payload_bytes")[:101])
        run.add(DIVIDED, name, measure(Asked(name, [act], "", 101), run.executions)[0])


def _rows_in(partition: str, batch: Batch) -> int:
    with connection.cursor() as cursor:
        table = f"ml_proxy_inferencelog_{partition}"
        cursor.execute(f"SELECT count(*) FROM {table} WHERE origin = %s", [batch.origin])  # noqa: S608 - ours
        [[count]] = cursor.fetchall()
    return int(count)


def _verify(when: str) -> None:
    done = ran("verify_log", "--no-progress")
    _require(done.status == 0, f"verify_log finds nothing {when}: {done.said[-300:]}")


def _require(holds: Any, what: str) -> None:
    if not holds:
        raise NotAsSaid(what)


def _seconds(statement: str) -> float:
    started = time.monotonic()
    execute(statement)
    return time.monotonic() - started
