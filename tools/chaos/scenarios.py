"""`python -m tools.chaos.scenarios NAME …`: simulates one outage, and reports figures and whether records were lost."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
from tqdm import tqdm

from recording.journal import Spool
from tests.support.wait import until
from tools.chaos.clients import Attempt, Clients
from tools.chaos.comparison import compare
from tools.chaos.databases import Database, PostgresDatabase, open_database
from tools.chaos.faults import FAULTS
from tools.chaos.memory import peak_mib
from tools.chaos.reader import read
from tools.chaos.reconciliation import wait_until_drained
from tools.chaos.report import percentiles
from tools.chaos.testbed import Testbed
from tools.exit_signals import exit_on_signals

Figures = dict[str, Any]
DEFAULTS = {"REPUBLISH_SECONDS": "20", "JOURNAL_MAX_BYTES": str(2**30), "JOURNAL_SEGMENT_BYTES": str(4 * 2**20)}
MAX_RATIO = 1.5  # p99 during an outage over p99 when healthy
MAX_SECONDS = 60.0  # until all records are rows
WARM_SECONDS = 10.0
PREDICTIONS = 2000  # predictions


def redis_ill(testbed: Testbed, options: argparse.Namespace) -> Figures:
    """Measures the p99 that the gateway adds, with Redis frozen, with Redis down, and healthy before and after."""
    return _outages(testbed, options, "freeze Redis", "Redis away, back with its files")


def postgres_ill(testbed: Testbed, options: argparse.Namespace) -> Figures:
    """The same with PostgreSQL frozen, and then away for 20 times as long."""
    return _outages(testbed, options, "freeze PostgreSQL", "PostgreSQL away")


def _outages(testbed: Testbed, options: argparse.Namespace, *faults: str) -> Figures:
    testbed.start()
    phases = ["warm", "healthy 1", *faults, "healthy 2"]
    attempts_by_phase = {name: _phase(testbed, name, options) for name in tqdm(phases, unit="phase")}
    wait_until_drained(testbed.system)
    rows = list(testbed.database.rows())
    added = {name: compare(attempts, rows)[1] for name, attempts in attempts_by_phase.items() if name != "warm"}
    figures: Figures = {name: percentiles(values) for name, values in added.items()}
    healthy = percentiles(sorted(value for name in added if "healthy" in name for value in added[name]))
    ratios = {name: figures[name]["p99"] / healthy["p99"] for name in added if "healthy" not in name}
    missing = sum(compare(attempts, rows)[0].missing for attempts in attempts_by_phase.values())
    refused = sum(not attempt.is_answered for attempts in attempts_by_phase.values() for attempt in attempts)
    kept = not (missing or refused) and max(ratios.values()) <= MAX_RATIO
    return {**figures, "healthy": healthy, "p99 ratios": ratios, "missing": missing, "refused": refused, "kept": kept}


def all_killed(testbed: Testbed, options: argparse.Namespace) -> Figures:
    """All processes are killed with a backlog and started again; no request follows."""
    testbed.start()
    with testbed.stopped("worker-logs"), testbed.stopped("redis"):
        attempts = _predict(testbed, "killed", rate=options.rate, count=PREDICTIONS)
        with ExitStack() as stopped:
            for name in ("web", "publisher", "model"):
                stopped.enter_context(testbed.stopped(name))
    return _check_rows(testbed, attempts)


def worker_killed(testbed: Testbed, options: argparse.Namespace) -> Figures:
    """The worker is killed while its child waits for a table lock and it has prefetched more messages."""
    testbed.start()
    assert isinstance(testbed.database, PostgresDatabase)  # noqa: S101 - see `main`
    with psycopg.connect(testbed.database.url) as locker:
        locker.execute("LOCK TABLE ml_proxy_inferencelog IN EXCLUSIVE MODE")
        attempts = _predict(testbed, "in-hand", rate=options.rate, count=PREDICTIONS)
        testbed.kill("worker-logs")
    return _check_rows(testbed, attempts)


def backlog(testbed: Testbed, options: argparse.Namespace) -> Figures:
    """Measures how a backlog drains: rows per second, and the peak memory of gateway, publisher and worker."""
    testbed.system.manage("migrate", "-v0")
    testbed.system.commands["fill"] = [sys.executable, "-m", "tools.chaos.fill_journal", str(options.records)]
    testbed.system.spawn("fill")
    if testbed.system.processes["fill"].wait():
        raise RuntimeError(testbed.system.log_of("fill"))
    testbed.start()
    started = time.monotonic()
    with tqdm(total=options.records, unit="row") as bar:
        until(lambda: _progress(bar, testbed.database.count()) >= options.records, seconds=600, what="all rows")
    seconds = time.monotonic() - started
    peaks = {
        name: [peak_mib(process) for process in testbed.family(name)] for name in ("web", "publisher", "worker-logs")
    }
    rate = options.records / seconds
    return {"records": options.records, "seconds": seconds, "rows a second": rate, "peak MiB": peaks, "kept": True}


def journal(testbed: Testbed, options: argparse.Namespace) -> Figures:
    """64 threads append 20 KB and 200 KB. A reader polls without a pause, and removes segments as a publisher does."""
    folder, spool = testbed.journal, Spool(testbed.journal)
    folder.mkdir()
    testbed.system.commands["writer"] = [
        *(sys.executable, "-m", "tools.chaos.write_journal", str(folder), str(options.seconds))
    ]
    testbed.system.spawn("writer")
    writer = testbed.system.processes["writer"]
    polls = entries = set_aside = 0
    gaps: list[str] = []
    while writer.poll() is None or spool.segments():
        for name in spool.segments():
            is_closed = spool.is_closed(name)  # first: then nothing is added after the reading
            reading = read(folder, name)
            gaps += reading.gaps
            if is_closed:
                entries += sum(len(frame.entries) for frame in reading.frames)
                set_aside += not spool.remove(name, reading.end)
        polls += 1
    figures: Figures = json.loads(testbed.system.log_of("writer"))
    lost = figures["acknowledged"] - entries
    kept = not (lost or gaps or set_aside or figures["failed"])
    return {
        **figures,
        "read": entries,
        "polls": polls,
        "lost": lost,
        "gaps": gaps,
        "set aside": set_aside,
        "kept": kept,
    }


SCENARIOS: dict[str, Callable[[Testbed, argparse.Namespace], Figures]] = {
    "redis-ill": redis_ill,
    "postgres-ill": postgres_ill,
    "all-killed": all_killed,
    "worker-killed": worker_killed,
    "backlog": backlog,
    "journal": journal,
}


def _phase(testbed: Testbed, name: str, options: argparse.Namespace) -> list[Attempt]:
    clients = Clients(
        testbed.port, testbed.token, count=options.clients, rate=options.rate, name=name.replace(" ", "-")
    )
    clients.start()
    if name in FAULTS:
        FAULTS[name].inject(testbed, options.seconds)
    else:
        testbed.wait(WARM_SECONDS if name == "warm" else options.seconds)
    clients.stop()
    if name in FAULTS:
        wait_until_drained(testbed.system)  # the next phase must not start with a backlog
    return list(clients.attempts())


def _predict(testbed: Testbed, name: str, *, rate: float, count: int) -> list[Attempt]:
    clients = Clients(testbed.port, testbed.token, count=8, rate=rate, name=name)
    clients.start()
    until(lambda: clients.answered() >= count, seconds=300, what=f"{count} answers")
    clients.stop()
    return list(clients.attempts())


def _check_rows(testbed: Testbed, attempts: list[Attempt]) -> Figures:
    """Waits until all answered predictions are rows, and compares them."""
    started, answered = time.monotonic(), sum(attempt.is_answered for attempt in attempts)
    until(lambda: testbed.database.count() >= answered, seconds=2 * MAX_SECONDS, what=f"{answered} rows")
    seconds = time.monotonic() - started
    found = compare(attempts, testbed.database.rows())[0]
    kept = not (found.missing or found.doubled) and seconds <= MAX_SECONDS
    return {"answered": answered, "seconds": seconds, "missing": found.missing, "kept": kept}


def _progress(bar: "tqdm[Any]", count: int) -> int:
    bar.update(count - bar.n)
    return count


def main() -> int:
    """Returns exit status 1 if the scenario failed."""
    parser = argparse.ArgumentParser(prog="tools.chaos.scenarios", description=__doc__)
    parser.add_argument("name", choices=SCENARIOS)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    parser.add_argument("--rate", type=float, default=100, help="predictions a second")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument(
        "--seconds", type=float, default=60, help="duration of an outage, of a healthy phase, or of the drill `journal`"
    )
    parser.add_argument("--records", type=int, default=50_000, help="size of the backlog")
    options = parser.parse_args()
    if options.name in {"worker-killed", "postgres-ill"} and options.database == "sqlite":
        parser.error(f"{options.name} needs PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="ml-proxy-drill-") as name, ExitStack() as stack:
        kind = "sqlite" if options.name == "journal" else options.database  # it needs no server
        database: Database = stack.enter_context(closing(open_database(kind, Path(name))))
        testbed = stack.enter_context(closing(Testbed(Path(name), database, **DEFAULTS)))
        figures = SCENARIOS[options.name](testbed, options)
    print(json.dumps(figures, indent=2))
    return 0 if figures["kept"] else 1


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
