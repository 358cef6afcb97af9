"""Estimates the resources for a rate of predictions from measured unit costs."""

from collections.abc import Callable, Mapping

from tools.benchmarks.results import Cell, Results
from tools.benchmarks.scale.costs import sizes
from tools.benchmarks.tables import Table, format_number

RATES = (10, 1_000, 100_000)  # predictions per second, all day
BUSY = 0.7  # utilisation of a core at which queues stay short
DAY, HOUR, PER_MESSAGE = 86_400, 3_600, 200
GB, JOURNAL = 1e9, 2**30  # the default of JOURNAL_MAX_BYTES


def tables(results: Results, bench: Results) -> list[Table]:
    """Returns two tables: the cost of one prediction with its source, and the resources for each rate."""
    one = figures(results, bench)
    sources = [[name, format_number(value), source] for name, (value, source) in one.items()]
    value = {name: found for name, (found, _) in one.items()}
    heads = [f"{rate:,}/s" for rate in RATES]
    many = [[name, *map(_shown, each)] for name, each in estimates(value).items()]
    return [
        Table("One prediction, measured", ["", "value", "source"], sources),
        Table("Resources by rate, 24 hours a day, calculated", ["", *heads], many),
    ]


def figures(results: Results, bench: Results) -> dict[str, tuple[float, str]]:
    """Returns value and source by name. The value is 0 if it was not measured."""
    largest = max(sizes(results))

    def scale(section: str, name: str, figure: str) -> float:
        return results.by_round(Cell(section, largest), name, figure).get(0, 0.0)

    def median(cell: Cell, figure: str) -> float:
        found = bench.spread(cell, "gateway", figure)
        return found.median if found else 0.0

    performance, own = "performance.md", f"this page, {largest:,} rows"
    return {
        "W: web process, ms of CPU": (median(Cell("closed", 8), "cpu_ms"), f"{performance}, 8 connections"),
        "K: log worker, ms of CPU": (median(Cell("drain"), "worker_cpu_ms"), f"{performance}, worker alone"),
        "P: PostgreSQL, ms of CPU": (scale("insert", "write_batch of 200", "server_cpu"), own),
        "D: bytes on PostgreSQL's disk": (scale("size", "all of the log", "per_row"), own),
        "J: bytes in the journal": (scale("size", "in the journal", "per_row"), own),
        "M: bytes in a message": (scale("size", "in a message of 200", "per_row"), own),
    }


def estimates(one: Mapping[str, float]) -> dict[str, list[float]]:
    """Returns the values for each rate by name. The name contains the formula; r is predictions per second."""
    w, k, p, d, j, m = one.values()
    formulas: dict[str, Callable[[int], float]] = {
        f"rows a day, millions: r·{DAY:,}": lambda r: r * DAY / 1e6,
        "PostgreSQL's disk, GB a day: r·86,400·D": lambda r: r * DAY * d / GB,
        "cores for web processes: r·W/1000/0.7": lambda r: r * w / 1000 / BUSY,
        "cores for log workers: r·K/1000/0.7": lambda r: r * k / 1000 / BUSY,
        "cores for PostgreSQL: r·P/1000/0.7": lambda r: r * p / 1000 / BUSY,
        "messages per second, 200 records each: r/200": lambda r: r / PER_MESSAGE,
        "through Redis, MB/s: r·M": lambda r: r * m / 1e6,
        "journal for an hour of outage, GB: r·3,600·J": lambda r: r * HOUR * j / GB,
        "JOURNAL_MAX_BYTES of 1 GiB lasts, minutes: 2^30/(r·J)/60": lambda r: JOURNAL / (r * j) / 60 if j else 0.0,
    }
    return {name: [formula(rate) for rate in RATES] for name, formula in formulas.items()}


def _shown(value: float) -> str:
    return format_number(value) if value >= 0.1 else f"{value:.1g}"
