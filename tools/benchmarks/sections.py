"""The sections of a run. Each measures the variants in turn, round after round."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from tqdm import tqdm

from tools.benchmarks.measurement import measure
from tools.benchmarks.plan import CONNECTIONS, RATES, Plan
from tools.benchmarks.resources import pss_mib, rss_mib
from tools.benchmarks.results import Cell, Measurement, Results
from tools.benchmarks.testbed import Testbed
from tools.benchmarks.variants import NotReady, Variant

CLOSED, OPEN, MEMORY = "closed", "open", "memory"


@dataclass(frozen=True)
class Run:
    """The arguments of every section."""

    testbed: Testbed
    plan: Plan
    results: Results

    def interleave(
        self, title: str, rounds: int, act: Callable[[Variant, int], None], only: Collection[str] = ()
    ) -> None:
        """Calls `act` for each variant (or only those named) in each round. Drops a variant that no longer answers."""
        turns = [
            (number, name) for number in range(rounds) for name in self.testbed.variants if not only or name in only
        ]
        for number, name in tqdm(turns, desc=title, unit="turn"):
            if variant := self.testbed.variants.get(name):
                try:
                    act(variant, number)
                except NotReady as exc:
                    self.testbed.drop(name, str(exc))

    def add(
        self,
        cell: Cell,
        variant: Variant,
        number: int,
        figures: Mapping[str, float],
        failed: Mapping[str, int] | None = None,
    ) -> None:
        """Adds a measurement."""
        self.results.measurements.append(Measurement(cell, variant.name, number, figures, dict(failed or {})))


def closed_loop(run: Run) -> None:
    """Measures requests/s and added latency, with the web process on its own core and callers without a pause.

    The naive worker does not run: on the callers' core it would only slow down its own web process.
    """
    run.testbed.isolate_web()
    for delay, rounds in ((0, run.plan.closed_rounds), (run.plan.slow_ms, run.plan.closed_slow_rounds)):
        run.testbed.delay(delay)
        run.interleave(f"closed loop, model {delay} ms", rounds, partial(_closed_turn, run, delay))
    run.testbed.delay(0)


def _closed_turn(run: Run, delay: int, variant: Variant, number: int) -> None:
    for connections in CONNECTIONS:
        variant.closed_loop(connections=connections, seconds=run.plan.warm_seconds)
        variant.settle()
        send_load = partial(variant.closed_loop, connections=connections, seconds=run.plan.closed_seconds)
        cell = Cell(CLOSED, connections, delay)
        run.results.measurements.append(measure(run.testbed, variant, cell, number, send_load))
    if delay == 0:
        measure_memory(run, variant, number)


def measure_memory(run: Run, variant: Variant, number: int, section: str = MEMORY) -> None:
    """Measures the memory of the web process, with the number of requests that it has served."""
    web = variant.processes(variant.web)
    figures = {"pss_mib": pss_mib(web), "rss_mib": rss_mib(web), "served": float(variant.served)}
    run.add(Cell(section), variant, number, figures)


def start_workers(run: Run) -> None:
    """Starts all workers, and lets all processes use all cores."""
    run.interleave("starting workers", 1, _start_worker)
    run.testbed.share_cores()


def _start_worker(variant: Variant, _: int) -> None:
    if variant.worker and not variant.expects_rows():
        variant.start_worker()
        variant.wait()


def open_loop(run: Run) -> None:
    """Measures latency at fixed rates, with all processes on all cores."""
    run.interleave("open loop", run.plan.open_rounds, partial(_open_turn, run))


def _open_turn(run: Run, variant: Variant, number: int) -> None:
    for rate in RATES:
        send_load = partial(variant.open_loop, rate=rate, seconds=run.plan.open_seconds)
        run.results.measurements.append(measure(run.testbed, variant, Cell(OPEN, rate), number, send_load))
