"""Measures one load on one variant, and its cost."""

from collections.abc import Callable

from tools.benchmarks.outcome import Outcome
from tools.benchmarks.resources import CpuUsage, cpu_seconds
from tools.benchmarks.results import Cell, Measurement, percentile
from tools.benchmarks.testbed import REFERENCE, Testbed
from tools.benchmarks.variants import Variant


def measure(
    testbed: Testbed, variant: Variant, cell: Cell, number: int, send_load: Callable[[], Outcome]
) -> Measurement:
    """Returns the figures of `send_load`, with the CPU time of the web process until all rows exist. Raises `NotReady`.

    `busy` and `foreign` are shares from 0 to 1: the utilisation of the callers' cores, and the part of the web process'
    core that other processes used.
    """
    callers, web, before = CpuUsage(testbed.layout.rest), CpuUsage(testbed.layout.web), _web_seconds(variant)
    outcome = send_load()
    figures = {**latencies(outcome), "rate": outcome.rate, "answered": outcome.answered, "busy": callers.share()}
    if testbed.is_isolated:
        figures["foreign"] = web.share(less=_web_seconds(variant) - before if variant.name != REFERENCE else 0.0)
    variant.settle()
    if outcome.answered:
        figures["cpu_ms"] = (_web_seconds(variant) - before) / outcome.answered * 1000
    return Measurement(cell, variant.name, number, figures, dict(outcome.failed))


def _web_seconds(variant: Variant) -> float:
    return cpu_seconds(variant.processes(variant.web))


def latencies(outcome: Outcome) -> dict[str, float]:
    """Returns milliseconds: median, 99th percentile, maximum, and how late the load generator itself was."""
    times, late = sorted(outcome.times), sorted(outcome.late)
    figures = {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "max": percentile(times, 1)}
    return figures | ({"late_p99": percentile(late, 0.99)} if late else {})
