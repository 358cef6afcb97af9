"""The tables of a run: at each size, or only at the largest if the table would be long."""

from collections.abc import Callable, Mapping, Sequence

from tools.benchmarks.results import Measurement, Results
from tools.benchmarks.scale.costs import GATEWAY_CPU, INSERT, LIST, PAGE, WALK, sizes
from tools.benchmarks.tables import Table, format_number

REGULAR, SIZE, GROWTH, PARTITIONED = "regular", "size", "growth", "divided"
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
    """Returns all tables that have rows."""
    largest = max(sizes(results))
    at = f"at {largest:,} rows"
    found = [
        _of(results, PAGE, f"Pages of history {at}, ms: execute and fetch, then PostgreSQL's own time", TIMES, largest),
        _of(
            results,
            GATEWAY_CPU,
            f"Pages of history {at}, ms of CPU in the gateway",
            {"p50": "p50", "p95": "p95"},
            largest,
        ),
        _of(results, LIST, f"Pages of the admin {at}, ms: all statements of one page", TIMES, largest),
        _by_size(results, WALK, "Commands that read the whole log", WALK_FIGURES),
        _by_size(results, INSERT, "Inserting 200 rows with `write_batch`", INSERT_FIGURES),
        _by_size(
            results, REGULAR, "Queries of probes and scrapes, ms", {"p50": "p50", "p95": "p95", "rows touched": "rows"}
        ),
        _of(results, SIZE, f"Storage {at}, bytes per row", {"bytes per row": "per_row"}, largest),
        _by_size(results, GROWTH, "Growing the log for this benchmark", {"rows/s": "rows_per_s"}),
    ]
    return [table for table in found if table.rows]


def partition_tables(results: Results) -> list[Table]:
    """Returns a table of pages by number of partitions."""
    counts = [cell.load for cell in results.cells(PARTITIONED)]
    names = results.variants(PARTITIONED)
    own = {
        (item.cell.load, item.variant): item.figures
        for item in results.measurements
        if item.cell.section == PARTITIONED
    }
    heads = [f"{count} p{rank}" for count in counts for rank in (50, 95)]
    rows = [
        [name, *(_shown(own.get((count, name), {}), f"server_p{rank}") for count in counts for rank in (50, 95))]
        for name in names
    ]
    title = "Pages, PostgreSQL's own time, ms, in one table and by number of partitions"
    return [Table(title, ["", *heads], rows)]


def _seconds(figures: Mapping[str, float]) -> str:
    return format_number(figures["rows"] / figures["seconds"]) if figures["rows"] else "–"


def _mib(figures: Mapping[str, float]) -> str:
    return format_number(figures["mib"] / figures["seconds"]) if figures["mib"] > 1 else "–"


Show = str | Callable[[Mapping[str, float]], str]
WALK_FIGURES: dict[str, Show] = {
    "seconds": "seconds",
    "of which its CPU": "command_cpu",
    "PostgreSQL's CPU, s": "server_cpu",
    "rows/s": _seconds,
    "MiB/s": _mib,
    "peak memory, MiB": "peak_mib",
}
INSERT_FIGURES: dict[str, Show] = {
    "ms per row, p50": "p50",
    "p95": "p95",
    "worker's CPU, ms": "worker_cpu",
    "PostgreSQL's CPU, ms": "server_cpu",
    "WAL, bytes per row": "wal_bytes",
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
    return format_number(figures[show]) if show in figures else "–"
