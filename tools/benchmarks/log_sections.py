"""Measurements of the logs: rows end to end, the worker alone, a frozen broker, and whether all rows exist."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.support.system import ROOT
from tools.benchmarks.measurement import latencies, measure
from tools.benchmarks.resources import cpu_seconds
from tools.benchmarks.results import Cell
from tools.benchmarks.sections import Run, measure_memory
from tools.benchmarks.variants import NotReady, Variant

END_TO_END, DRAIN, HEALTHY, FROZEN, SOAK, ACCOUNT = "end to end", "drain", "healthy", "frozen", "soak", "account"
CONNECTIONS = 8
SOAK_CONNECTIONS = 32
SOAK_STEPS = 10
FILLERS = {"gateway": "tools.chaos.fill_journal", "naive-celery": "tools.benchmarks.peers.naive.enqueue"}
WARM_UP_SHARE = 0.1  # share of a backlog's rows that is not counted, because processes start meanwhile
LATE_ROWS_SECONDS = 15.0  # for a log that is written every 10 s


def end_to_end(run: Run) -> None:
    """Measures rows per second, from the first request until all rows exist, with all processes on all cores."""
    logged = [variant.name for variant in run.testbed.variants.values() if variant.rows is not None]
    run.interleave("end to end", run.plan.end_to_end_rounds, partial(_end_to_end_turn, run), logged)


def _end_to_end_turn(run: Run, variant: Variant, number: int) -> None:
    web, worker = (partial(variant.processes, name) for name in (variant.web, variant.worker))
    started, web_before, worker_before = time.monotonic(), cpu_seconds(web()), cpu_seconds(worker())
    outcome = variant.closed_loop(connections=CONNECTIONS, seconds=run.plan.end_to_end_seconds)
    answered_at = time.monotonic()
    is_whole = variant.wait_for_rows(variant.answered)
    ended, count = time.monotonic(), max(1, outcome.answered)
    figures = {
        **latencies(outcome),
        "rows_per_s": outcome.answered / (ended - started) if is_whole else 0.0,
        "rate": outcome.rate,
        "behind_s": ended - answered_at,
        "cpu_ms": (cpu_seconds(web()) - web_before) / count * 1000,
        "worker_cpu_ms": (cpu_seconds(worker()) - worker_before) / count * 1000,
    }
    run.add(Cell(END_TO_END, CONNECTIONS), variant, number, figures, outcome.failed)
    variant.settle()


def drain(run: Run) -> None:
    """Measures how many rows per second the worker writes from a backlog, without requests."""
    run.interleave("worker alone", run.plan.drain_rounds, partial(_drain_turn, run), FILLERS)


def _drain_turn(run: Run, variant: Variant, number: int) -> None:
    count = run.plan.drain_records if variant.must_record_all else run.plan.drain_tasks
    assert variant.rows is not None  # noqa: S101 - all variants in FILLERS have a log
    with _worker_stopped(variant):
        _fill(variant, count)
    run.testbed.pin_all()
    if not variant.wait_for_rows(variant.answered - round(count * (1 - WARM_UP_SHARE))):
        raise NotReady(f"{variant.name} writes no rows from its backlog")
    first, started = variant.rows.count(), time.monotonic()
    before = cpu_seconds(variant.processes(variant.worker))
    is_whole = variant.wait_for_rows(variant.answered)
    seconds, rows = time.monotonic() - started, variant.answered - first
    used = cpu_seconds(variant.processes(variant.worker)) - before
    figures = {"rows_per_s": rows / seconds if is_whole else 0.0, "worker_cpu_ms": used / rows * 1000, "rows": rows}
    run.add(Cell(DRAIN), variant, number, figures)
    variant.settle()


@contextmanager
def _worker_stopped(variant: Variant) -> Iterator[None]:
    """Stops the worker, and the publisher if there is one, during the block."""
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
        raise NotReady(f"the backlog could not be created: {done.stderr[-300:]}")
    variant.answered += count


def frozen_redis(run: Run) -> None:
    """Measures latency at a fixed rate with Redis frozen, and with a healthy Redis."""
    run.interleave("frozen Redis", run.plan.freeze_rounds, partial(_frozen_turn, run), ["gateway"])
    if run.plan.freeze_naive:
        run.interleave("frozen Redis, naive", 1, partial(_frozen_turn, run), ["naive-celery"])


def _frozen_turn(run: Run, variant: Variant, number: int) -> None:
    send_load = partial(variant.open_loop, rate=run.plan.freeze_rate, seconds=run.plan.freeze_seconds)
    load = round(run.plan.freeze_rate)
    run.results.measurements.append(measure(run.testbed, variant, Cell(HEALTHY, load), number, send_load))
    with _frozen(variant, run.plan.freeze_seconds):
        measurement = measure(run.testbed, variant, Cell(FROZEN, load), number, send_load)
    run.results.measurements.append(measurement)


@contextmanager
def _frozen(variant: Variant, seconds: float) -> Iterator[None]:
    """Freezes Redis for `seconds`, even if the block takes longer."""
    process = variant.system.processes["redis"]
    resume = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
    process.send_signal(signal.SIGSTOP)
    resume.start()
    try:
        yield
    finally:
        resume.cancel()
        process.send_signal(signal.SIGCONT)


def soak(run: Run) -> None:
    """Measures the memory of the gateway's web process over many predictions."""
    for step in range(SOAK_STEPS + 1 if run.plan.soak else 0):
        run.interleave(f"soak {step} of {SOAK_STEPS}", 1, partial(_soak_turn, run, step), ["gateway"])


def _soak_turn(run: Run, step: int, variant: Variant, _: int) -> None:
    target = variant.served + (run.plan.soak // SOAK_STEPS if step else 0)
    while variant.served < target:
        variant.closed_loop(connections=SOAK_CONNECTIONS, seconds=5.0)
    variant.settle()
    measure_memory(run, variant, step, SOAK)


def account(run: Run) -> None:
    """Compares answers and rows, and runs `verify_log` for the gateway."""
    for variant in run.testbed.variants.values():
        if variant.rows is None:
            continue
        variant.settle()
        rows = (variant.late_rows or variant.rows).count_all()
        ends_at = time.monotonic() + LATE_ROWS_SECONDS
        while variant.late_rows and rows < variant.answered and time.monotonic() < ends_at:
            rows = variant.late_rows.count_all()
            time.sleep(0.2)
        figures: dict[str, float] = {"answered": variant.answered, "unanswered": variant.unanswered, "rows": rows}
        figures["missing"] = variant.answered - rows
        if variant.must_record_all:
            figures["verified"] = float(variant.system.ask("verify_log", "--no-progress").returncode == 0)
        run.add(Cell(ACCOUNT), variant, 0, figures)
