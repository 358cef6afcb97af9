"""What came of it: tables and a plot in docs/scaling.md, the figures beside it, and what was missed."""

import json
from pathlib import Path

from tests.support.system import ROOT
from tools.benchmarks.page import between_marks
from tools.benchmarks.plots import chart
from tools.benchmarks.results import Cell, Measurement, Results
from tools.benchmarks.scale import arithmetic
from tools.benchmarks.scale.costs import GOALS, costs, faults, relative, sizes
from tools.benchmarks.scale.tables import divided_tables, tables
from tools.benchmarks.tables import Table, shown

PAGE = ROOT / "docs" / "scaling.md"
FOLDER = ROOT / "docs" / "performance"
SAVED, PARTITIONS, BENCH = "scale.json", "scale-partitions.json", "results.json"
MEASURED, DIVIDED, COUNTED = (
    f"<!-- measured: written by {what} -->"
    for what in ("make scale", "tools.benchmarks.scale.partitions", "the arithmetic")
)


def loaded(path: Path) -> Results:
    """What `Results.save` wrote."""
    found = json.loads(path.read_text())
    found["measurements"] = [Measurement(Cell(**item.pop("cell")), **item) for item in found["measurements"]]
    return Results(**found)


def merged(path: Path, results: Results) -> Results:
    """`results` with the measurements of a former run in the same folder, for what this one does not measure again."""
    if path.exists():
        results.measurements = loaded(path).measurements
    return results


def lines(results: Results) -> list[str]:
    """What is shown of the results, as Markdown."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    head = ["", "must", "goal", "measured", "reached"]
    goals = Table(f"Must and goal, at {max(sizes(results)):,} rows", head, [goal.row(results) for goal in GOALS])
    body = [line for table in (goals, _costs(results), *tables(results)) for line in table.lines()]
    return [f"Measured on: {machine}.", "", *body, *(f"- {note}" for note in results.notes)]


def failures(results: Results) -> list[str]:
    """A line for each must that was missed, and for each plan that is not what it must be."""
    missed = [goal.row(results) for goal in GOALS if goal.verdict(results) == "missed"]
    return [f"missed: {name}: {found}, must be {must}" for name, must, _, found, _ in missed] + [
        f"wrong at {item.cell.load:,} rows: {item.cell.section} {item.variant!r}: {', '.join(item.failed)}"
        for item in faults(results)
    ]


def publish(results: Results) -> None:
    """Writes page, plot and data. Raises `NoMarks`."""
    results.save(FOLDER / SAVED)
    (FOLDER / "scale.svg").write_text(
        chart("Cost of one, over that at 10,000 rows", "x", relative(results)),
    )
    picture = "![Cost of one at each size](performance/scale.svg)"
    text = between_marks(PAGE.read_text(), "\n".join([picture, "", *lines(results)]), MEASURED)
    bench = loaded(FOLDER / BENCH)
    counted = (line for table in arithmetic.tables(results, bench) for line in table.lines())
    PAGE.write_text(between_marks(text, "\n".join(counted), COUNTED))


def publish_divided(results: Results) -> None:
    """The same of a log in partitions. Raises `NoMarks`."""
    results.save(FOLDER / PARTITIONS)
    found = [line for table in divided_tables(results) for line in table.lines()]
    text = "\n".join([*found, *(f"- {note}" for note in results.notes)])
    PAGE.write_text(between_marks(PAGE.read_text(), text, DIVIDED))


def _costs(results: Results) -> Table:
    heads = [f"{size:,} rows" for size in sizes(results)]
    rows = [[name, *(shown(value) for value in found.values())] for name, found in costs(results).items()]
    return Table("Cost at each size", ["", *heads], rows)
