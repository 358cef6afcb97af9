"""The project's performance goals, compared with the results of a run."""

from collections.abc import Callable
from dataclasses import dataclass

from tools.benchmarks.log_sections import ACCOUNT, DRAIN, END_TO_END, FROZEN, HEALTHY
from tools.benchmarks.results import Cell, Results, Spread
from tools.benchmarks.sections import CLOSED, OPEN
from tools.benchmarks.tables import Table, format_spread, soak_growth
from tools.benchmarks.testbed import REFERENCE

GATEWAY, BASELINE = "gateway", "naive-celery"
FREEZE_RATE = 250


@dataclass(frozen=True)
class Goal:
    """A figure with a required bound (`must`) and a desired one (`goal`): lower bounds unless `lower_is_better`."""

    name: str
    must: float
    goal: float
    unit: str
    measure: Callable[[Results], Spread | None]
    lower_is_better: bool = False

    def verdict(self, results: Results) -> str:
        """Returns `goal`, `must`, `missed`, or `not measured`, by the median."""
        found = self.measure(results)
        if found is None:
            return "not measured"
        reached = [
            found.median <= bound if self.lower_is_better else found.median >= bound for bound in (self.must, self.goal)
        ]
        return "goal" if all(reached) else "must" if reached[0] else "missed"

    def row(self, results: Results) -> list[str]:
        """Returns the cells of the table of goals."""
        bounds = [f"{bound:g}{self.unit}" for bound in (self.must, self.goal)]
        return [self.name, *bounds, format_spread(self.measure(results)), self.verdict(results)]


def _ratio(section: str, load: int, figure: str, other: str) -> Callable[[Results], Spread | None]:
    return lambda results: results.ratio(Cell(section, load), GATEWAY, other, figure)


def _figure(section: str, load: int, figure: str) -> Callable[[Results], Spread | None]:
    return lambda results: results.spread(Cell(section, load), GATEWAY, figure)


def _added(results: Results) -> Spread | None:
    return results.added(Cell(CLOSED, 1), GATEWAY, REFERENCE, "p50")


def _frozen(results: Results) -> Spread | None:
    ill, well = (results.by_round(Cell(section, FREEZE_RATE), GATEWAY, "p99") for section in (FROZEN, HEALTHY))
    return Spread.of([value / well[number] for number, value in ill.items() if well.get(number)])


GOALS = (
    Goal("requests/s at 8 connections, over naive Celery", 4, 6, "x", _ratio(CLOSED, 8, "rate", BASELINE)),
    Goal("requests/s at 32 connections, over naive Celery", 5, 8, "x", _ratio(CLOSED, 32, "rate", BASELINE)),
    Goal(
        "the price of the log at 8: requests/s with it over without",
        0.7,
        0.85,
        "",
        _ratio(CLOSED, 8, "rate", "gateway-nolog"),
    ),
    Goal("the price of the log at 32", 0.7, 0.85, "", _ratio(CLOSED, 32, "rate", "gateway-nolog")),
    Goal("added p50 at 1 connection", 1.0, 0.8, " ms", _added, lower_is_better=True),
    Goal("requests/s at 8 connections, over LiteLLM", 10, 15, "x", _ratio(CLOSED, 8, "rate", "litellm")),
    Goal("requests/s at 32 connections, over LiteLLM", 10, 15, "x", _ratio(CLOSED, 32, "rate", "litellm")),
    Goal("sustained rows/s end to end, over naive Celery", 7, 10, "x", _ratio(END_TO_END, 8, "rows_per_s", BASELINE)),
    Goal("worker rows/s, over naive Celery", 20, 40, "x", _ratio(DRAIN, 0, "rows_per_s", BASELINE)),
    Goal("open loop at 500/s on all cores, p99", 15, 8, " ms", _figure(OPEN, 500, "p99"), lower_is_better=True),
    Goal("Redis frozen for 5 s under 250/s: p99 over the healthy one", 2, 1.2, "x", _frozen, lower_is_better=True),
    Goal(
        "memory of the web process: growth over a soak (--soak 1000000)",
        5,
        2,
        " MiB",
        soak_growth,
        lower_is_better=True,
    ),
    Goal("answered minus rows", 0, 0, "", _figure(ACCOUNT, 0, "missing"), lower_is_better=True),
)


def table(results: Results) -> Table:
    """Returns the table of all goals."""
    head = ["this gateway", "must", "goal", "measured", "reached"]
    return Table("Must and goal", head, [goal.row(results) for goal in GOALS])
