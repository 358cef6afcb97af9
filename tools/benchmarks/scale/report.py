"""Writes the results into docs/scaling.md with a plot and the data, and lists the missed goals."""

import json
from pathlib import Path

from tests.support.system import ROOT
from tools.benchmarks.page import between_marks
from tools.benchmarks.plots import chart
from tools.benchmarks.results import Cell, Measurement, Results
from tools.benchmarks.scale import capacity
from tools.benchmarks.scale.costs import GOALS, costs, faults, relative, sizes
from tools.benchmarks.scale.tables import partition_tables, tables
from tools.benchmarks.tables import Table, format_number

PAGE = ROOT / "docs" / "scaling.md"
FOLDER = ROOT / "docs" / "performance"
SAVED, PARTITIONS, BENCH = "scale.json", "scale-partitions.json", "results.json"
MEASURED, PARTITIONED, ESTIMATED = (
    f"<!-- measured: written by {what} -->"
    for what in ("make scale", "tools.benchmarks.scale.partitions", "the arithmetic")
)


def loaded(path: Path) -> Results:
    """Reads the output of `Results.save`."""
    found = json.loads(path.read_text())
    found["measurements"] = [Measurement(Cell(**item.pop("cell")), **item) for item in found["measurements"]]
    return Results(**found)


def merged(path: Path, results: Results) -> Results:
    """Adds the measurements of an earlier run in the same folder, which this run may replace."""
    if path.exists():
        results.measurements = loaded(path).measurements
    return results


def lines(results: Results) -> list[str]:
    """Returns the results as Markdown lines."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    head = ["", "must", "goal", "measured", "reached"]
    goals = Table(f"Must and goal, at {max(sizes(results)):,} rows", head, [goal.row(results) for goal in GOALS])
    body = [line for table in (goals, _costs(results), *tables(results)) for line in table.lines()]
    return [f"Measured on: {machine}.", "", *body, *(f"- {note}" for note in results.notes)]


def failures(results: Results) -> list[str]:
    """Returns a line for each missed must, and for each wrong plan or failed command."""
    missed = [goal.row(results) for goal in GOALS if goal.verdict(results) == "missed"]
    return [f"missed: {name}: {found}, must be {must}" for name, must, _, found, _ in missed] + [
        f"wrong at {item.cell.load:,} rows: {item.cell.section} {item.variant!r}: {', '.join(item.failed)}"
        for item in faults(results)
    ]


def publish(results: Results) -> None:
    """Writes page, plot and data. Raises `NoMarks`."""
    results.save(FOLDER / SAVED)
    (FOLDER / "scale.svg").write_text(
        chart("Cost per operation, relative to 10,000 rows", "x", relative(results)),
    )
    picture = "![Cost of one at each size](performance/scale.svg)"
    text = between_marks(PAGE.read_text(), "\n".join([picture, "", *lines(results)]), MEASURED)
    bench = loaded(FOLDER / BENCH)
    counted = (line for table in capacity.tables(results, bench) for line in table.lines())
    PAGE.write_text(between_marks(text, "\n".join(counted), ESTIMATED))


def publish_partitions(results: Results) -> None:
    """Writes the results of a partitioned log. Raises `NoMarks`."""
    results.save(FOLDER / PARTITIONS)
    found = [line for table in partition_tables(results) for line in table.lines()]
    text = "\n".join([*found, *(f"- {note}" for note in results.notes)])
    PAGE.write_text(between_marks(PAGE.read_text(), text, PARTITIONED))


def _costs(results: Results) -> Table:
    heads = [f"{size:,} rows" for size in sizes(results)]
    rows = [[name, *(format_number(value) for value in found.values())] for name, found in costs(results).items()]
    return Table("Cost at each size", ["", *heads], rows)
