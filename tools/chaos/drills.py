"""`python -m tools.chaos.drills NAME …`: single outages, each with its figures and whether the promise held."""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
from tqdm import tqdm

from tests.support.waiting import until
from tools.chaos.clients import Attempt, Clients
from tools.chaos.databases import Database, PostgresDatabase, open_database
from tools.chaos.drain import drained
from tools.chaos.faults import FAULTS
from tools.chaos.memory import peak_mib
from tools.chaos.report import percentiles
from tools.chaos.stage import Stage
from tools.chaos.verdict import compare

Figures = dict[str, Any]
DEFAULTS = {"REPUBLISH_SECONDS": "20", "JOURNAL_MAX_BYTES": str(2**30), "JOURNAL_SEGMENT_BYTES": str(4 * 2**20)}
MOST_RATIO = 1.5  # of p99 with Redis ill to p99 with all well
MOST_SECONDS = 60.0  # until a killed worker's records are rows
WARM_SECONDS = 10.0
SOME = 2000  # predictions


def redis_ill(stage: Stage, options: argparse.Namespace) -> Figures:
    """The p99 of what the gateway adds, with Redis frozen and gone, with a stretch of health before and after."""
    stage.start()
    phases = ["warm", "healthy 1", "freeze Redis", "Redis away, back with its files", "healthy 2"]
    asked = {name: _phase(stage, name, options) for name in tqdm(phases, unit="phase")}
    drained(stage.system)
    rows = list(stage.database.rows())
    added = {name: compare(attempts, rows)[1] for name, attempts in asked.items() if name != "warm"}
    figures: Figures = {name: percentiles(values) for name, values in added.items()}
    healthy = percentiles(sorted(value for name in added if "healthy" in name for value in added[name]))
    ratios = {name: figures[name]["p99"] / healthy["p99"] for name in added if "healthy" not in name}
    missing = sum(compare(attempts, rows)[0].missing for attempts in asked.values())
    kept = not missing and max(ratios.values()) <= MOST_RATIO
    return {**figures, "healthy": healthy, "p99 ratios": ratios, "missing": missing, "kept": kept}


def all_killed(stage: Stage, options: argparse.Namespace) -> Figures:
    """Everything is killed with a backlog and started again; no request follows."""
    stage.start()
    with stage.down("worker-logs"), stage.down("redis"):
        attempts = _asked(stage, "killed", rate=options.rate, count=SOME)
        with ExitStack() as down:
            for name in ("web", "publisher", "model"):
                down.enter_context(stage.down(name))
    return _judged(stage, attempts)


def worker_killed(stage: Stage, options: argparse.Namespace) -> Figures:
    """The worker is killed while its child waits for a table's lock and more messages lie in its memory."""
    stage.start()
    assert isinstance(stage.database, PostgresDatabase)  # noqa: S101 - see `main`
    with psycopg.connect(stage.database.url) as locker:
        locker.execute("LOCK TABLE ml_proxy_inferencelog IN EXCLUSIVE MODE")
        attempts = _asked(stage, "in-hand", rate=options.rate, count=SOME)
        stage.end("worker-logs")
    return _judged(stage, attempts)


def backlog(stage: Stage, options: argparse.Namespace) -> Figures:
    """A backlog drains: rows a second, and the peak memory of gateway, publisher and worker."""
    stage.system.manage("migrate", "-v0")
    stage.system.commands["fill"] = [sys.executable, "-m", "tools.chaos.filling", str(options.records)]
    stage.system.spawn("fill")
    if stage.system.processes.pop("fill").wait():
        raise RuntimeError(stage.system.log_of("fill"))
    stage.start()
    started = time.monotonic()
    with tqdm(total=options.records, unit="row") as bar:
        until(lambda: _progress(bar, stage.database.count()) >= options.records, seconds=600, what="all rows")
    seconds = time.monotonic() - started
    peaks = {
        name: [peak_mib(process) for process in stage.family(name)] for name in ("web", "publisher", "worker-logs")
    }
    rate = options.records / seconds
    return {"records": options.records, "seconds": seconds, "rows a second": rate, "peak MiB": peaks, "kept": True}


DRILLS: dict[str, Callable[[Stage, argparse.Namespace], Figures]] = {
    "redis-ill": redis_ill,
    "all-killed": all_killed,
    "worker-killed": worker_killed,
    "backlog": backlog,
}


def _phase(stage: Stage, name: str, options: argparse.Namespace) -> list[Attempt]:
    clients = Clients(stage.port, count=options.clients, rate=options.rate, name=name.replace(" ", "-"))
    clients.start()
    if name in FAULTS:
        FAULTS[name].act(stage, options.seconds)
    else:
        stage.hold(WARM_SECONDS if name == "warm" else options.seconds)
    clients.stop()
    if name in FAULTS:
        drained(stage.system)  # the next stretch shall not begin with a backlog
    return list(clients.attempts())


def _asked(stage: Stage, name: str, *, rate: float, count: int) -> list[Attempt]:
    clients = Clients(stage.port, count=8, rate=rate, name=name)
    clients.start()
    until(lambda: clients.answered() >= count, seconds=300, what=f"{count} answers")
    clients.stop()
    return list(clients.attempts())


def _judged(stage: Stage, attempts: list[Attempt]) -> Figures:
    """Seconds until all that was answered is in the table."""
    started, answered = time.monotonic(), sum(attempt.is_answered for attempt in attempts)
    until(lambda: stage.database.count() >= answered, seconds=2 * MOST_SECONDS, what=f"{answered} rows")
    seconds = time.monotonic() - started
    found = compare(attempts, stage.database.rows())[0]
    kept = not (found.missing or found.doubled) and seconds <= MOST_SECONDS
    return {"answered": answered, "seconds": seconds, "missing": found.missing, "kept": kept}


def _progress(bar: "tqdm[Any]", count: int) -> int:
    bar.update(count - bar.n)
    return count


def main() -> int:
    """Exit status 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(prog="tools.chaos.drills", description=__doc__)
    parser.add_argument("name", choices=DRILLS)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    parser.add_argument("--rate", type=float, default=100, help="predictions a second")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60, help="of each outage and each stretch of health")
    parser.add_argument("--records", type=int, default=50_000, help="of the backlog")
    options = parser.parse_args()
    if options.name == "worker-killed" and options.database == "sqlite":
        parser.error("worker-killed locks a table, which takes PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="ml-proxy-drill-") as name, ExitStack() as stack:
        database: Database = stack.enter_context(closing(open_database(options.database, Path(name))))
        stage = stack.enter_context(closing(Stage(Path(name), database, **DEFAULTS)))
        figures = DRILLS[options.name](stage, options)
    print(json.dumps(figures, indent=2))
    return 0 if figures["kept"] else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # through all that is to be closed
    sys.exit(main())
