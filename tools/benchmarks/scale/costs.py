"""What one page, one inserted row, one proved row costs at each size; what that must be."""

from collections.abc import Callable
from statistics import fmean

from tools.benchmarks.goals import Goal
from tools.benchmarks.results import Cell, Measurement, Results, Spread

PAGE, DOOR, LIST, INSERT, WALK = "page", "door", "list", "insert", "walk"
WALKS = ("verify_log", "export csv", "export ndjson", "export parquet")
FULL_PAGES = ("all, ", "busiest doctor, 0%", "busiest doctor, 10%", "busiest doctor, 50%")  # at every size
FAULTS_FROM = 100_000  # rows; in a smaller table PostgreSQL may do as it likes

Look = Callable[[Results, int], float | None]


def sizes(results: Results) -> list[int]:
    """Those at which pages were measured."""
    return [cell.load for cell in results.cells(PAGE)]


def costs(results: Results) -> dict[str, dict[int, float]]:
    """By what is done, and the size of the log; only what was measured at every size."""
    looks: dict[str, Look] = {
        "history page of 100, ms in the database": _page,
        "insert of one row in 200, ms of CPU": lambda found, size: _figure(found, INSERT, size, "cpu"),
        **{f"{name}, ms of CPU a row": _walk(name) for name in WALKS},
    }
    found = {name: {size: look(results, size) for size in sizes(results)} for name, look in looks.items()}
    return {
        name: {size: value for size, value in values.items() if value is not None}
        for name, values in found.items()
        if None not in values.values()
    }


def relative(results: Results) -> dict[str, Spread | None]:
    """Each cost over the one at the smallest size, for a plot."""
    return {
        f"{name.split(',')[0].split(' of ')[0]}, {_short(size)}": Spread(value / first, value / first, value / first)
        for name, values in costs(results).items()
        for first in [next(iter(values.values()))]
        for size, value in values.items()
    }


def _short(size: int) -> str:
    return f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size // 1_000}k"


def faults(results: Results) -> list[Measurement]:
    """Plans that are not what they must be, and commands that failed."""
    plans = (PAGE, LIST)
    return [
        item for item in results.measurements
        if item.failed and (item.cell.section not in plans or item.cell.load >= FAULTS_FROM)
    ]  # fmt: skip


def _page(results: Results, size: int) -> float | None:
    """By PostgreSQL's own clock, over the questions that fill a page at every size."""
    found = [
        item.figures["server_p50"] for item in results.measurements
        if item.cell == Cell(PAGE, size) and item.variant.startswith(FULL_PAGES) and "99%" not in item.variant
    ]  # fmt: skip
    return fmean(found) if found else None


def _walk(name: str) -> Look:
    def look(results: Results, size: int) -> float | None:
        """Without what the command costs of an empty log, where that is known."""
        empty = _cpu(results, name, 0) or 0.0
        found, rows = _cpu(results, name, size), _figure(results, WALK, size, "rows", name)
        return (found - empty) / rows * 1000 if found is not None and rows else None

    return look


def _cpu(results: Results, name: str, size: int) -> float | None:
    command, server = (_figure(results, WALK, size, figure, name) for figure in ("command_cpu", "server_cpu"))
    return None if command is None or server is None else command + server


def _figure(results: Results, section: str, size: int, figure: str, name: str = "write_batch of 200") -> float | None:
    return results.by_round(Cell(section, size), name, figure).get(0)


def _slowest(figure: str) -> Callable[[Results], Spread | None]:
    def look(results: Results) -> Spread | None:
        size = max(sizes(results), default=0)
        found = [item.figures[figure] for item in results.measurements if item.cell == Cell(PAGE, size)]
        return Spread(max(found), max(found), max(found)) if found else None

    return look


def _dearest(results: Results) -> Spread | None:
    size = max(sizes(results), default=0)
    found = [item.figures["p50"] for item in results.measurements if item.cell == Cell(DOOR, size)]
    return Spread.of([max(found)]) if found else None


def _growth(name: str, since: int = 0) -> Callable[[Results], Spread | None]:
    """The cost at the largest size over that at the smallest, which is at least `since` rows."""

    def look(results: Results) -> Spread | None:
        found = next((each for cost, each in costs(results).items() if cost.startswith(name)), {})
        values = [value for size, value in found.items() if size >= since]
        return Spread.of([values[-1] / values[0]]) if len(values) > 1 else None

    return look


def _memory(name: str) -> Callable[[Results], Spread | None]:
    def look(results: Results) -> Spread | None:
        peaks = [_figure(results, WALK, size, "peak_mib", name) for size in sizes(results)]
        known = [peak for peak in peaks if peak is not None]
        return Spread.of([known[-1] - known[0]]) if len(known) > 1 else None

    return look


def _faulty(results: Results) -> Spread | None:
    return Spread.of([float(len(faults(results)))])


GOALS = (
    Goal("history page, p95 of the slowest question, execute and fetch", 2, 1, " ms", _slowest("p95"), less=True),
    Goal("the same by PostgreSQL's own clock", 2, 1, " ms", _slowest("server_p95"), less=True),
    Goal("CPU for a history page in the gateway, p50", 1.1, 0.6, " ms", _dearest, less=True),
    Goal("plans and commands that are not what they must be", 0, 0, "", _faulty, less=True),
    Goal("history page, over that at the smallest size", 2, 1.3, "x", _growth("history page"), less=True),
    Goal("inserting a row, likewise", 2, 1.3, "x", _growth("insert"), less=True),
    *(Goal(f"{name}, a row, over that at 100,000", 2, 1.3, "x", _growth(name, 100_000), less=True) for name in WALKS),
    *(
        Goal(f"{name}, most memory, beyond that at the smallest", 20, 5, " MiB", _memory(name), less=True)
        for name in WALKS
    ),
)
