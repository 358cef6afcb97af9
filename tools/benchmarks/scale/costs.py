"""The costs of a page, an inserted row and a verified row at each size, and their goals."""

from collections.abc import Callable
from statistics import fmean

from tools.benchmarks.goals import Goal
from tools.benchmarks.results import Cell, Measurement, Results, Spread

PAGE, GATEWAY_CPU, LIST, INSERT, WALK = "page", "gateway_cpu", "list", "insert", "walk"
WALKS = ("verify_log", "export csv", "export ndjson", "export parquet")
FULL_PAGES = ("all, ", "busiest doctor, 0%", "busiest doctor, 10%", "busiest doctor, 50%")  # filled at every size
FAULTS_FROM = 100_000  # rows; in a smaller table PostgreSQL may choose other plans

GetCost = Callable[[Results, int], float | None]


def sizes(results: Results) -> list[int]:
    """Returns the sizes at which anything was measured, except the empty log."""
    return sorted({item.cell.load for item in results.measurements} - {0})


def costs(results: Results) -> dict[str, dict[int, float]]:
    """Returns costs by operation and size of the log, for operations that were measured at every size."""
    cost_functions: dict[str, GetCost] = {
        "history page of 100, ms in the database": _page,
        "insert of one row in 200, ms of CPU": lambda found, size: _figure(found, INSERT, size, "cpu"),
        **{f"{name}, ms of CPU per row": _walk(name) for name in WALKS},
    }
    found = {
        name: {size: get_cost(results, size) for size in sizes(results)} for name, get_cost in cost_functions.items()
    }
    return {
        name: {size: value for size, value in values.items() if value is not None}
        for name, values in found.items()
        if None not in values.values()
    }


def relative(results: Results) -> dict[str, Spread | None]:
    """Returns the ratio of each cost to that at the smallest size, for a plot."""
    return {
        f"{name.split(',')[0].split(' of ')[0]}, {_short(size)}": Spread(value / first, value / first, value / first)
        for name, values in costs(results).items()
        for first in [next(iter(values.values()))]
        for size, value in values.items()
    }


def _short(size: int) -> str:
    return f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size // 1_000}k"


def faults(results: Results) -> list[Measurement]:
    """Returns measurements with wrong plans, and failed commands."""
    plans = (PAGE, LIST)
    return [
        item for item in results.measurements
        if item.failed and (item.cell.section not in plans or item.cell.load >= FAULTS_FROM)
    ]  # fmt: skip


def _page(results: Results, size: int) -> float | None:
    """PostgreSQL's own time, averaged over the queries that fill a page at every size."""
    found = [
        item.figures["server_p50"] for item in results.measurements
        if item.cell == Cell(PAGE, size) and item.variant.startswith(FULL_PAGES) and "99%" not in item.variant
    ]  # fmt: skip
    return fmean(found) if found else None


def _walk(name: str) -> GetCost:
    def get_cost(results: Results, size: int) -> float | None:
        """Returns the cost per row, without that of an empty log if it is known."""
        empty = _cpu(results, name, 0) or 0.0
        found, rows = _cpu(results, name, size), _figure(results, WALK, size, "rows", name)
        return (found - empty) / rows * 1000 if found is not None and rows else None

    return get_cost


def _cpu(results: Results, name: str, size: int) -> float | None:
    command, server = (_figure(results, WALK, size, figure, name) for figure in ("command_cpu", "server_cpu"))
    return None if command is None or server is None else command + server


def _figure(results: Results, section: str, size: int, figure: str, name: str = "write_batch of 200") -> float | None:
    return results.by_round(Cell(section, size), name, figure).get(0)


def _slowest(figure: str) -> Callable[[Results], Spread | None]:
    def measure(results: Results) -> Spread | None:
        size = max(sizes(results), default=0)
        found = [item.figures[figure] for item in results.measurements if item.cell == Cell(PAGE, size)]
        return Spread(max(found), max(found), max(found)) if found else None

    return measure


def _highest_p50(results: Results) -> Spread | None:
    size = max(sizes(results), default=0)
    found = [item.figures["p50"] for item in results.measurements if item.cell == Cell(GATEWAY_CPU, size)]
    return Spread.of([max(found)]) if found else None


def _growth(name: str, since: int = 0) -> Callable[[Results], Spread | None]:
    """Returns the ratio of the cost at the largest size to that at the smallest of at least `since` rows."""

    def measure(results: Results) -> Spread | None:
        found = next((each for cost, each in costs(results).items() if cost.startswith(name)), {})
        values = [value for size, value in found.items() if size >= since]
        return Spread.of([values[-1] / values[0]]) if len(values) > 1 else None

    return measure


def _memory(name: str) -> Callable[[Results], Spread | None]:
    def measure(results: Results) -> Spread | None:
        peaks = [_figure(results, WALK, size, "peak_mib", name) for size in sizes(results)]
        known = [peak for peak in peaks if peak is not None]
        return Spread.of([known[-1] - known[0]]) if len(known) > 1 else None

    return measure


def _faulty(results: Results) -> Spread | None:
    return Spread.of([float(len(faults(results)))])


GOALS = (
    Goal(
        "history page, p95 of the slowest query, execute and fetch",
        2,
        1,
        " ms",
        _slowest("p95"),
        lower_is_better=True,
    ),
    Goal("the same, PostgreSQL's own time", 2, 1, " ms", _slowest("server_p95"), lower_is_better=True),
    Goal("CPU for a history page in the gateway, p50", 1.1, 0.6, " ms", _highest_p50, lower_is_better=True),
    Goal("wrong plans and failed commands", 0, 0, "", _faulty, lower_is_better=True),
    Goal("history page, growth from the smallest size", 2, 1.3, "x", _growth("history page"), lower_is_better=True),
    Goal("inserting a row, growth from the smallest size", 2, 1.3, "x", _growth("insert"), lower_is_better=True),
    *(
        Goal(f"{name}, per row, growth from 100,000 rows", 2, 1.3, "x", _growth(name, 100_000), lower_is_better=True)
        for name in WALKS
    ),
    *(
        Goal(f"{name}, peak memory, growth from the smallest size", 20, 5, " MiB", _memory(name), lower_is_better=True)
        for name in WALKS
    ),
)
