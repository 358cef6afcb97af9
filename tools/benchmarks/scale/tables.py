"""The tables of one run: at the largest size where they would be long, else at each."""

from collections.abc import Callable, Mapping, Sequence

from tools.benchmarks.results import Measurement, Results
from tools.benchmarks.scale.costs import DOOR, INSERT, LIST, PAGE, WALK, sizes
from tools.benchmarks.tables import Table, shown

REGULAR, SIZE, GROWTH, DIVIDED = "regular", "size", "growth", "divided"
TIMES = {
    "p50": "p50",
    "p95": "p95",
    "p99": "p99",
    "own p50": "server_p50",
    "own p95": "server_p95",
    "own p99": "server_p99",
    "rows": "rows",
    "blocks": "blocks",
}


def tables(results: Results) -> list[Table]:
    """All that was measured."""
    largest = max(sizes(results))
    at = f"at {largest:,} rows"
    found = [
        _of(
            results, PAGE, f"Pages of history {at}, ms: execute and fetch, then PostgreSQL's own clock", TIMES, largest
        ),
        _of(results, DOOR, f"Pages of history {at}, ms of CPU in the gateway", {"p50": "p50", "p95": "p95"}, largest),
        _of(results, LIST, f"Pages of the admin {at}, ms: all statements of one page", TIMES, largest),
        _by_size(results, WALK, "Commands that walk the whole log", WALK_FIGURES),
        _by_size(results, INSERT, "Inserting 200 rows with `write_batch`", INSERT_FIGURES),
        _by_size(
            results, REGULAR, "What probes and scrapes ask, ms", {"p50": "p50", "p95": "p95", "rows touched": "rows"}
        ),
        _of(results, SIZE, f"Room {at}, bytes a row", {"bytes a row": "per_row"}, largest),
        _by_size(results, GROWTH, "Growing it for this benchmark", {"rows/s": "rows_per_s"}),
    ]
    return [table for table in found if table.rows]


def divided_tables(results: Results) -> list[Table]:
    """A page in so many partitions."""
    counts = [cell.load for cell in results.cells(DIVIDED)]
    names = results.variants(DIVIDED)
    own = {
        (item.cell.load, item.variant): item.figures for item in results.measurements if item.cell.section == DIVIDED
    }
    heads = [f"{count} p{rank}" for count in counts for rank in (50, 95)]
    rows = [
        [name, *(_shown(own.get((count, name), {}), f"server_p{rank}") for count in counts for rank in (50, 95))]
        for name in names
    ]
    title = "Pages by PostgreSQL's own clock, ms, in one table and in so many partitions"
    return [Table(title, ["", *heads], rows)]


def _seconds(figures: Mapping[str, float]) -> str:
    return shown(figures["rows"] / figures["seconds"]) if figures["rows"] else "–"


def _mib(figures: Mapping[str, float]) -> str:
    return shown(figures["mib"] / figures["seconds"]) if figures["mib"] > 1 else "–"


Show = str | Callable[[Mapping[str, float]], str]
WALK_FIGURES: dict[str, Show] = {
    "seconds": "seconds",
    "of which its CPU": "command_cpu",
    "PostgreSQL's CPU, s": "server_cpu",
    "rows/s": _seconds,
    "MiB/s": _mib,
    "most memory, MiB": "peak_mib",
}
INSERT_FIGURES: dict[str, Show] = {
    "ms a row, p50": "p50",
    "p95": "p95",
    "worker's CPU, ms": "worker_cpu",
    "PostgreSQL's CPU, ms": "server_cpu",
    "WAL, bytes a row": "wal_bytes",
}


def _of(results: Results, section: str, title: str, figures: Mapping[str, Show], size: int) -> Table:
    chosen = [item for item in results.measurements if (item.cell.section, item.cell.load) == (section, size)]
    return Table(title, ["", *figures], [[item.variant, *_cells(item, figures)] for item in chosen])


def _by_size(results: Results, section: str, title: str, figures: Mapping[str, Show]) -> Table:
    chosen = [item for item in results.measurements if item.cell.section == section]
    order = results.variants(section)
    chosen.sort(key=lambda item: (order.index(item.variant), item.cell.load))
    rows = [[f"{item.variant}, {item.cell.load:,}", *_cells(item, figures)] for item in chosen]
    return Table(title, ["", *figures], rows)


def _cells(item: Measurement, figures: Mapping[str, Show]) -> Sequence[str]:
    return [_shown(item.figures, show) for show in figures.values()]


def _shown(figures: Mapping[str, float], show: Show) -> str:
    if callable(show):
        return show(figures)
    return shown(figures[show]) if show in figures else "–"
