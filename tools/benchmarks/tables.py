"""Results as aligned Markdown tables, which are readable on a terminal, too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tools.benchmarks.log_sections import ACCOUNT, DRAIN, END_TO_END, FROZEN, HEALTHY, SOAK
from tools.benchmarks.results import Cell, Results, Spread
from tools.benchmarks.sections import CLOSED, MEMORY, OPEN
from tools.benchmarks.testbed import REFERENCE

NO_VALUE = "–"
MIN_SOAK = 1_000_000  # predictions from which a soak shows that memory does not grow
GetSpread = Callable[[Cell, str], Spread | None]


@dataclass(frozen=True)
class Table:
    """A title, column headings, and rows with as many cells."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self) -> list[str]:
        """Returns Markdown lines."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        rule = ["-" * width for width in widths[:1]] + ["-" * (width - 1) + ":" for width in widths[1:]]
        rows = [_line(row, widths) for row in (self.head, rule, *self.rows)]
        return [f"**{self.title}**", "", *rows, ""]


def tables(results: Results) -> list[Table]:
    """Returns all tables that have rows."""
    found = [*_closed(results), *_open(results), _end_to_end(results), _drain(results), _frozen(results)]
    return [table for table in [*found, _memory(results), _soak(results), _account(results)] if table.rows]


def format_number(value: float) -> str:
    """Formats a number with two decimals, with one from 10 on, with none from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def format_spread(found: Spread | None) -> str:
    """Formats the median, with the range if it is not a single value."""
    if found is None:
        return NO_VALUE
    if found.least == found.most:
        return format_number(found.median)
    return f"{format_number(found.median)} ({format_number(found.least)}–{format_number(found.most)})"


def _closed(results: Results) -> list[Table]:
    found = []
    for delay in sorted({cell.upstream_ms for cell in results.cells(CLOSED)}):
        cells = [cell for cell in results.cells(CLOSED) if cell.upstream_ms == delay]
        heads = [f"{cell.load} conn." for cell in cells]
        make = partial(_by_variant, results, cells, heads)
        above = f"model {delay} ms, web process on one core"
        found += [
            make(f"Added latency p50, ms ({above})", partial(_added, results, "p50")),
            make(f"Added latency p99, ms ({above})", partial(_added, results, "p99")),
            make(f"Requests/s ({above})", partial(_of, results, "rate")),
            make(f"CPU of the web process, ms per request ({above})", partial(_of, results, "cpu_ms")),
            make(f"Utilisation of the callers' core, 0 to 1 ({above})", partial(_of, results, "busy")),
        ]
    return found


def _open(results: Results) -> list[Table]:
    cells = results.cells(OPEN)
    heads = [f"{cell.load}/s" for cell in cells]
    make = partial(_by_variant, results, cells, heads)
    return [
        make("Open loop, all cores: p50, ms from the intended send time", partial(_of, results, "p50")),
        make("Open loop, all cores: p99, ms from the intended send time", partial(_of, results, "p99")),
        make("Open loop, all cores: answers/s", partial(_of, results, "rate")),
    ]


def _end_to_end(results: Results) -> Table:
    figures = {
        "rows/s": "rows_per_s",
        "requests/s": "rate",
        "last row after, s": "behind_s",
        "web CPU, ms/row": "cpu_ms",
        "worker CPU, ms/row": "worker_cpu_ms",
    }
    return _by_figure(results, "End to end, 8 connections, all cores: until every row is there", END_TO_END, figures)


def _drain(results: Results) -> Table:
    figures = {"rows/s": "rows_per_s", "worker CPU, ms/row": "worker_cpu_ms", "rows": "rows"}
    return _by_figure(results, "Worker alone: a backlog, no requests, all cores", DRAIN, figures)


def _frozen(results: Results) -> Table:
    cells = [*results.cells(HEALTHY), *results.cells(FROZEN)]
    heads = [f"{cell.section}: {figure}" for cell in cells for figure in ("p50", "p99", "max")]
    rows = [
        [
            name,
            *(format_spread(results.spread(cell, name, figure)) for cell in cells for figure in ("p50", "p99", "max")),
        ]
        for name in results.variants(FROZEN)
    ]
    rate = cells[0].load if cells else 0
    return Table(f"Redis frozen for 5 s under {rate}/s, all cores, ms", ["variant", *heads], rows)


def _memory(results: Results) -> Table:
    figures = {"PSS, MiB": "pss_mib", "largest process RSS, MiB": "rss_mib", "requests served by then": "served"}
    return _by_figure(results, "Memory of the web process and its parent", MEMORY, figures)


def _account(results: Results) -> Table:
    figures = {"answered": "answered", "rows": "rows", "answered − rows": "missing", "sent, not answered": "unanswered"}
    return _by_figure(results, "Answers and rows", ACCOUNT, figures)


def soak_growth(results: Results) -> Spread | None:
    """Returns the growth of the gateway's memory in MiB after the first tenth of a soak; None without a full soak."""
    found = list(results.by_round(Cell(SOAK), "gateway", "pss_mib").values())
    is_long = results.plan.get("soak", 0) >= MIN_SOAK
    return Spread.of([found[-1] - found[1]]) if is_long and len(found) > 2 else None


def _soak(results: Results) -> Table:
    steps = (results.by_round(Cell(SOAK), "gateway", figure).values() for figure in ("served", "pss_mib", "rss_mib"))
    rows = [[format_number(value) for value in step] for step in zip(*steps, strict=True)]
    return Table("Memory of the gateway's web process during a soak", ["requests served", "PSS, MiB", "RSS, MiB"], rows)


def _by_variant(
    results: Results, cells: Sequence[Cell], heads: Sequence[str], title: str, get_spread: GetSpread
) -> Table:
    names = results.variants(cells[0].section) if cells else []
    return Table(
        title,
        ["variant", *heads],
        [[name, *(format_spread(get_spread(cell, name)) for cell in cells)] for name in names],
    )


def _by_figure(results: Results, title: str, section: str, figures: dict[str, str]) -> Table:
    cells = results.cells(section)
    rows = [
        [name, *(format_spread(results.spread(cells[0], name, figure)) for figure in figures.values())]
        for name in results.variants(section)
    ]
    return Table(title, ["variant", *figures], rows)


def _of(results: Results, figure: str, cell: Cell, name: str) -> Spread | None:
    return results.spread(cell, name, figure)


def _added(results: Results, figure: str, cell: Cell, name: str) -> Spread | None:
    """Returns the difference to the model server itself; for the model server, its absolute figure."""
    if name == REFERENCE:
        return results.spread(cell, name, figure)
    return results.added(cell, name, REFERENCE, figure)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = [
        text.ljust(width) if not number else text.rjust(width)
        for number, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join([first, *others])} |"
