"""One load on one variant, and what it cost."""

from collections.abc import Callable

from tools.benchmarks.cores import Busy, cpu_seconds
from tools.benchmarks.outcome import Outcome
from tools.benchmarks.results import Cell, Measurement, percentile
from tools.benchmarks.stage import REFERENCE, Stage
from tools.benchmarks.variants import Variant


def measure(stage: Stage, variant: Variant, cell: Cell, number: int, ask: Callable[[], Outcome]) -> Measurement:
    """What `ask` saw, with the CPU time of the web process until all rows were there. Raises `NotUp`.

    `busy` and `foreign` are shares from 0 to 1: how busy the callers' cores were, and how much of the web process' core
    others took.
    """
    callers, web, before = Busy(stage.layout.rest), Busy(stage.layout.web), _web_seconds(variant)
    outcome = ask()
    figures = {**latencies(outcome), "rate": outcome.rate, "answered": outcome.answered, "busy": callers.share()}
    if stage.is_apart:
        figures["foreign"] = web.share(less=_web_seconds(variant) - before if variant.name != REFERENCE else 0.0)
    variant.settle()
    if outcome.answered:
        figures["cpu_ms"] = (_web_seconds(variant) - before) / outcome.answered * 1000
    return Measurement(cell, variant.name, number, figures, dict(outcome.failed))


def _web_seconds(variant: Variant) -> float:
    return cpu_seconds(variant.processes(variant.web))


def latencies(outcome: Outcome) -> dict[str, float]:
    """Milliseconds: the middle, the 99th in a hundred, the longest; and by how much the generator itself was late."""
    times, late = sorted(outcome.times), sorted(outcome.late)
    figures = {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "max": percentile(times, 1)}
    return figures | ({"late_p99": percentile(late, 0.99)} if late else {})
