"""Measures the commands that read the whole log, as separate processes, and the queries of probes and scrapes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from django.core.management import get_commands
from tqdm import tqdm

from common import health
from common.metrics import scrape
from ml_proxy.models import InferenceLog
from recording.incremental_reconciliation import NEWEST, RECENT, IncrementalReconciliation
from tests.support.query_plans import explained, select_statements
from tests.support.system import ROOT
from tools.benchmarks.results import percentile
from tools.benchmarks.scale.queries import TABLE
from tools.benchmarks.scale.run import Run

WALK, REGULAR = "walk", "regular"
FORMATS = ("csv", "ndjson", "parquet")
POLL_SECONDS = 0.02
REPEATS, FEW = 3, 100_000  # with fewer rows than FEW, the start of a command takes as long as its work
MIB = 1024 * 1024


@dataclass(frozen=True)
class CommandResult:
    """A command's exit status, output, wall and CPU seconds, and peak memory."""

    status: int
    output: str
    seconds: float
    cpu_seconds: float
    peak_mib: float


def run_manage(*words: str) -> CommandResult:
    """Runs a command of manage.py."""
    started, peak = time.monotonic(), 0
    with subprocess.Popen(
        [sys.executable, "manage.py", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while True:
            # Not the peak from wait4: after the fork it includes the peak of this process.
            peak = max(peak, _peak(process.pid))
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(POLL_SECONDS)
        process.returncode = os.waitstatus_to_exitcode(status)
        output = process.stdout.read() if process.stdout else ""
    seconds = time.monotonic() - started
    return CommandResult(process.returncode, output.strip(), seconds, used.ru_utime + used.ru_stime, peak / 1024)


def _peak(pid: int) -> int:
    """Returns its peak memory in KiB; 0 if it has just ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def walks(run: Run) -> None:
    """Measures `verify_log`, `reconcile`, and `export` in each format."""
    commands: dict[str, list[str]] = {"verify_log": ["verify_log", "--no-progress"], "reconcile": ["reconcile"]}
    output = run.journal.parent / "export"
    if "export" in get_commands():
        commands |= {f"export {kind}": ["export", "--format", kind, "--output", str(output)] for kind in FORMATS}
    rows = InferenceLog.objects.count()
    for name, words in tqdm(commands.items(), desc="walking the log", unit="command"):
        found = [_walk(run, words, output) for _ in range(REPEATS if rows < FEW else 1)]
        figures = {figure: median(each[0][figure] for each in found) for figure in found[0][0]}
        run.add(WALK, name, {"rows": float(rows), **figures}, {each for _, faults in found for each in faults})


def _walk(run: Run, words: list[str], output: Path) -> tuple[dict[str, float], list[str]]:
    server = run.server_seconds()
    done = run_manage(*words)
    figures = {
        "seconds": done.seconds,
        "command_cpu": done.cpu_seconds,
        "server_cpu": run.server_seconds() - server,
        "peak_mib": done.peak_mib,
        "mib": output.stat().st_size / MIB if output.exists() else 0.0,
    }
    output.unlink(missing_ok=True)
    return figures, [f"status {done.status}: {done.output[-300:]}"] if done.status else []


def regular(run: Run) -> None:
    """Measures the queries of probes and scrapes, whose cost must not grow with the log."""
    later = IncrementalReconciliation()
    later.account(run.journal, {})
    scrape.of_database()  # the rows since the last scrape of this process, at the previous size
    queries: dict[str, tuple[Callable[[], object], int]] = {
        "/readyz: database": (partial(health.probe, "database"), 0),
        "/readyz: log": (partial(health.probe, "log"), 0),
        "/metrics: numbers, first scrape": (
            lambda: IncrementalReconciliation().account(run.journal, {}),
            NEWEST * RECENT,
        ),
        "/metrics: numbers, later": (lambda: later.account(run.journal, {}), 0),
        "/metrics: all of the database": (scrape.of_database, 0),
    }
    for name, (act, most) in queries.items():
        touched = sum(explained(sql).rows for sql in select_statements(act, TABLE))
        times = sorted(_milliseconds(act) for _ in range(20))
        figures = {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "rows": float(touched)}
        run.add(REGULAR, name, figures, [f"{touched} rows touched"] if touched > most else [])


def _milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000
