"""What is measured of the logs: rows end to end, a worker alone, a broker that hangs, whether all rows are there."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.support.system import ROOT
from tools.benchmarks.cores import cpu_seconds
from tools.benchmarks.measuring import latencies, measure
from tools.benchmarks.results import Cell
from tools.benchmarks.sections import Run, note_memory
from tools.benchmarks.variants import NotUp, Variant

END_TO_END, DRAIN, HEALTHY, FROZEN, SOAK, ACCOUNT = "end to end", "drain", "healthy", "frozen", "soak", "account"
CONNECTIONS = 8
SOAK_CONNECTIONS = 32
SOAK_STEPS = 10
FILLERS = {"gateway": "tools.chaos.filling", "naive-celery": "tools.benchmarks.peers.naive.queueing"}
UNCOUNTED = 0.1  # of a backlog's rows, while processes start
LAST_SECONDS = 15.0  # for a log that is written by the clock, every 10 s


def end_to_end(run: Run) -> None:
    """Rows a second, from the first request until every row is there, with web process and worker on all cores."""
    logged = [variant.name for variant in run.stage.variants.values() if variant.rows is not None]
    run.take_turns("end to end", run.plan.end_to_end_rounds, partial(_end_to_end_turn, run), logged)


def _end_to_end_turn(run: Run, variant: Variant, number: int) -> None:
    web, worker = (partial(variant.processes, name) for name in (variant.web, variant.worker))
    started, web_before, worker_before = time.monotonic(), cpu_seconds(web()), cpu_seconds(worker())
    outcome = variant.closed(connections=CONNECTIONS, seconds=run.plan.end_to_end_seconds)
    asked = time.monotonic()
    is_whole = variant.wait_for_rows(variant.answered)
    ended, count = time.monotonic(), max(1, outcome.answered)
    figures = {
        **latencies(outcome),
        "rows_per_s": outcome.answered / (ended - started) if is_whole else 0.0,
        "rate": outcome.rate,
        "behind_s": ended - asked,
        "cpu_ms": (cpu_seconds(web()) - web_before) / count * 1000,
        "worker_cpu_ms": (cpu_seconds(worker()) - worker_before) / count * 1000,
    }
    run.add(Cell(END_TO_END, CONNECTIONS), variant, number, figures, outcome.failed)
    variant.settle()


def drain(run: Run) -> None:
    """Rows a second that the worker writes of a backlog, with no requests."""
    run.take_turns("worker alone", run.plan.drain_rounds, partial(_drain_turn, run), FILLERS)


def _drain_turn(run: Run, variant: Variant, number: int) -> None:
    count = run.plan.drain_records if variant.promise else run.plan.drain_tasks
    assert variant.rows is not None  # noqa: S101 - those that are filled have a log
    with _halted(variant):
        _fill(variant, count)
    run.stage.place()
    if not variant.wait_for_rows(variant.answered - round(count * (1 - UNCOUNTED))):
        raise NotUp(f"{variant.name} writes no rows of its backlog")
    first, started = variant.rows.count(), time.monotonic()
    before = cpu_seconds(variant.processes(variant.worker))
    is_whole = variant.wait_for_rows(variant.answered)
    seconds, rows = time.monotonic() - started, variant.answered - first
    used = cpu_seconds(variant.processes(variant.worker)) - before
    figures = {"rows_per_s": rows / seconds if is_whole else 0.0, "worker_cpu_ms": used / rows * 1000, "rows": rows}
    run.add(Cell(DRAIN), variant, number, figures)
    variant.settle()


@contextmanager
def _halted(variant: Variant) -> Iterator[None]:
    """Without worker, and without publisher where there is one."""
    names = [variant.worker, *([variant.publisher] if variant.publisher else [])]
    for name in names:
        variant.system.kill(name, signal.SIGTERM)
    try:
        yield
    finally:
        for name in names:
            variant.system.spawn(name)


def _fill(variant: Variant, count: int) -> None:
    command = [sys.executable, "-m", FILLERS[variant.name], str(count)]
    done = subprocess.run(
        command, cwd=ROOT, env=variant.system.environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise NotUp(f"no backlog could be made: {done.stderr[-300:]}")
    variant.answered += count


def frozen_redis(run: Run) -> None:
    """Latency at a fixed rate with Redis stopped, beside the same with Redis well."""
    run.take_turns("frozen Redis", run.plan.freeze_rounds, partial(_frozen_turn, run), ["gateway"])
    if run.plan.freeze_naive:
        run.take_turns("frozen Redis, naive", 1, partial(_frozen_turn, run), ["naive-celery"])


def _frozen_turn(run: Run, variant: Variant, number: int) -> None:
    ask = partial(variant.steady, rate=run.plan.freeze_rate, seconds=run.plan.freeze_seconds)
    load = round(run.plan.freeze_rate)
    run.results.measurements.append(measure(run.stage, variant, Cell(HEALTHY, load), number, ask))
    with _frozen(variant, run.plan.freeze_seconds):
        measurement = measure(run.stage, variant, Cell(FROZEN, load), number, ask)
    run.results.measurements.append(measurement)


@contextmanager
def _frozen(variant: Variant, seconds: float) -> Iterator[None]:
    """Stops Redis for `seconds` from now on, whatever happens in the block."""
    process = variant.system.processes["redis"]
    thaw = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
    process.send_signal(signal.SIGSTOP)
    thaw.start()
    try:
        yield
    finally:
        thaw.cancel()
        process.send_signal(signal.SIGCONT)


def soak(run: Run) -> None:
    """The memory of the gateway's web process along many predictions."""
    for step in range(SOAK_STEPS + 1 if run.plan.soak else 0):
        run.take_turns(f"soak {step} of {SOAK_STEPS}", 1, partial(_soak_turn, run, step), ["gateway"])


def _soak_turn(run: Run, step: int, variant: Variant, _: int) -> None:
    target = variant.served + (run.plan.soak // SOAK_STEPS if step else 0)
    while variant.served < target:
        variant.closed(connections=SOAK_CONNECTIONS, seconds=5.0)
    variant.settle()
    note_memory(run, variant, step, SOAK)


def account(run: Run) -> None:
    """Answers and rows, and for the gateway what `verify_log` says."""
    for variant in run.stage.variants.values():
        if variant.rows is None:
            continue
        variant.settle()
        rows = (variant.late_rows or variant.rows).count_all()
        ends_at = time.monotonic() + LAST_SECONDS
        while variant.late_rows and rows < variant.answered and time.monotonic() < ends_at:
            rows = variant.late_rows.count_all()
            time.sleep(0.2)
        figures: dict[str, float] = {"answered": variant.answered, "untold": variant.untold, "rows": rows}
        figures["missing"] = variant.answered - rows
        if variant.promise:
            figures["verified"] = float(variant.system.ask("verify_log", "--no-progress").returncode == 0)
        run.add(Cell(ACCOUNT), variant, 0, figures)
