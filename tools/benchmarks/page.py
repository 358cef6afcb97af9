"""Writes the results into docs/performance.md, between two marks, and plots and data into a folder beside it."""

from pathlib import Path

from tests.support.system import ROOT
from tools.benchmarks import goals
from tools.benchmarks.plots import plots
from tools.benchmarks.results import Results
from tools.benchmarks.tables import tables

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: written by make bench -->", "<!-- measured: end -->"


class NoMarks(Exception):
    """The page lacks the marks between which the results go."""


def lines(results: Results, *, with_plots: bool) -> list[str]:
    """Returns the results as Markdown lines."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    missing = [f"- **{name} is missing:** {why}" for name, why in results.missing.items()]
    pictures = [f"![{name}](performance/{name}.svg)" for name in plots(results)] if with_plots else []
    body = [line for table in tables(results) for line in table.lines()]
    notes = [f"- {note}" for note in results.notes]
    return [f"Measured on: {machine}.", "", *goals.table(results).lines(), *missing, *notes, "", *pictures, "", *body]


def publish(results: Results, page: Path = PAGE) -> None:
    """Writes page, plots and data. Raises `NoMarks`."""
    folder = page.parent / page.stem
    folder.mkdir(exist_ok=True)
    for name, text in plots(results).items():
        (folder / f"{name}.svg").write_text(text)
    results.save(folder / "results.json")
    page.write_text(between_marks(page.read_text(), "\n".join(lines(results, with_plots=True))))


def between_marks(text: str, new: str, mark: str = BEGIN) -> str:
    """Returns `text` with `new` between its marks. Raises `NoMarks`."""
    before, begin, rest = text.partition(mark)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarks(f"the page needs a line {mark} and a later one {END}")
    return f"{before}{begin}\n\n{new.strip()}\n\n{end}{after}"
