"""Bar charts as hand-written SVG, which avoids the dependency on a plotting library."""

from collections.abc import Mapping, Sequence
from html import escape

from tools.benchmarks.log_sections import END_TO_END
from tools.benchmarks.results import Cell, Results, Spread
from tools.benchmarks.sections import CLOSED, OPEN
from tools.benchmarks.tables import format_number
from tools.benchmarks.testbed import REFERENCE

Bars = Mapping[str, Spread | None]
LABEL, WIDE, END, BAR, GAP, TOP = 130, 420, 130, 16, 8, 40  # pixels
FONT = 'font-family="sans-serif" font-size="12"'
OURS, OTHERS = "#1a6faf", "#9aa5b1"


def plots(results: Results) -> dict[str, str]:
    """Returns SVG texts by file name, without suffix."""
    compared = [name for name in results.variants(CLOSED) if name != REFERENCE]
    logged = results.variants(END_TO_END)
    found = {f"requests-{load}": _requests(results, compared, load) for load in (8, 32)}
    added = {name: results.added(Cell(CLOSED, 1), name, REFERENCE, "p50") for name in compared}
    rows = {name: results.spread(Cell(END_TO_END, 8), name, "rows_per_s") for name in logged}
    tail = {name: results.spread(Cell(OPEN, 100), name, "p99") for name in compared}
    return found | {
        "added": chart("Added latency at 1 connection, p50", "ms", added),
        "rows": chart("Rows per second, end to end on all cores", "rows/s", rows),
        "open": chart("p99 at 100 requests/s, from the intended send time", "ms", tail),
    }


def _requests(results: Results, names: Sequence[str], load: int) -> str:
    bars = {name: results.spread(Cell(CLOSED, load), name, "rate") for name in names}
    return chart(f"Requests per second at {load} connections, web process on one core", "requests/s", bars)


def chart(title: str, unit: str, bars: Bars) -> str:
    """Returns a chart of horizontal bars, one for each name, with a line for the range of the rounds."""
    known = {name: value for name, value in bars.items() if value is not None}
    longest = max([value.most for value in known.values()], default=0) or 1.0
    rows = [_bar(number, name, value, WIDE / longest) for number, (name, value) in enumerate(known.items())]
    height, width = TOP + len(rows) * (BAR + GAP) + GAP, LABEL + WIDE + END
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT} role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="white"/>',
            f'<text x="10" y="22" font-size="14">{escape(title)}, {escape(unit)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _bar(number: int, name: str, value: Spread, scale: float) -> str:
    y = TOP + number * (BAR + GAP)
    middle, base = y + BAR / 2, y + BAR - 4
    color = OURS if name.startswith("gateway") else OTHERS
    low, high, end = (LABEL + max(0.0, x) * scale for x in (value.least, value.most, value.median))
    return (
        f'<text x="{LABEL - 8}" y="{base}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{LABEL}" y="{y}" width="{end - LABEL:.1f}" height="{BAR}" fill="{color}"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="black"/>'
        f'<text x="{max(end, high) + 6:.1f}" y="{base}">{format_number(value.median)}</text>'
    )
