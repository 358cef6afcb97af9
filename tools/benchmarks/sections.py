"""What is measured, section by section. Each takes the variants in turn, round after round."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from tqdm import tqdm

from tools.benchmarks.cores import pss_mib, rss_mib
from tools.benchmarks.measuring import measure
from tools.benchmarks.plan import CONNECTIONS, RATES, Plan
from tools.benchmarks.results import Cell, Measurement, Results
from tools.benchmarks.stage import Stage
from tools.benchmarks.variants import NotUp, Variant

CLOSED, OPEN, MEMORY = "closed", "open", "memory"


@dataclass(frozen=True)
class Run:
    """What every section needs."""

    stage: Stage
    plan: Plan
    results: Results

    def take_turns(
        self, title: str, rounds: int, act: Callable[[Variant, int], None], only: Collection[str] = ()
    ) -> None:
        """Each variant, or each of those named, in each round; one that no longer answers is dropped."""
        turns = [(number, name) for number in range(rounds) for name in self.stage.variants if not only or name in only]
        for number, name in tqdm(turns, desc=title, unit="turn"):
            if variant := self.stage.variants.get(name):
                try:
                    act(variant, number)
                except NotUp as exc:
                    self.stage.drop(name, str(exc))

    def add(
        self,
        cell: Cell,
        variant: Variant,
        number: int,
        figures: Mapping[str, float],
        failed: Mapping[str, int] | None = None,
    ) -> None:
        """Notes figures."""
        self.results.measurements.append(Measurement(cell, variant.name, number, figures, dict(failed or {})))


def closed_loop(run: Run) -> None:
    """Requests a second and added latency: the web process on a core of its own, callers that ask without a pause.

    The naive worker does not run: on the callers' core it would only slow its own web process down.
    """
    run.stage.spread_out()
    for delay, rounds in ((0, run.plan.closed_rounds), (run.plan.slow_ms, run.plan.closed_slow_rounds)):
        run.stage.delay(delay)
        run.take_turns(f"closed loop, model {delay} ms", rounds, partial(_closed_turn, run, delay))
    run.stage.delay(0)


def _closed_turn(run: Run, delay: int, variant: Variant, number: int) -> None:
    for connections in CONNECTIONS:
        variant.closed(connections=connections, seconds=run.plan.warm_seconds)
        variant.settle()
        ask = partial(variant.closed, connections=connections, seconds=run.plan.closed_seconds)
        cell = Cell(CLOSED, connections, delay)
        run.results.measurements.append(measure(run.stage, variant, cell, number, ask))
    if delay == 0:
        note_memory(run, variant, number)


def note_memory(run: Run, variant: Variant, number: int, section: str = MEMORY) -> None:
    """The memory of the web process, and how many requests it has served."""
    web = variant.processes(variant.web)
    figures = {"pss_mib": pss_mib(web), "rss_mib": rss_mib(web), "served": float(variant.served)}
    run.add(Cell(section), variant, number, figures)


def come_together(run: Run) -> None:
    """From here on every worker runs, and everybody may use all cores."""
    run.take_turns("starting workers", 1, _start_worker)
    run.stage.come_together()


def _start_worker(variant: Variant, _: int) -> None:
    if variant.worker and not variant.owes():
        variant.start_worker()
        variant.wait()


def open_loop(run: Run) -> None:
    """Latency at fixed rates, with workers and all on all cores."""
    run.take_turns("open loop", run.plan.open_rounds, partial(_open_turn, run))


def _open_turn(run: Run, variant: Variant, number: int) -> None:
    for rate in RATES:
        ask = partial(variant.steady, rate=rate, seconds=run.plan.open_seconds)
        run.results.measurements.append(measure(run.stage, variant, Cell(OPEN, rate), number, ask))
