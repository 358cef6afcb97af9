"""The evaluation of measurements: medians and ratios, tables, goals, plots and the page."""

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools.benchmarks import goals, page
from tools.benchmarks.__main__ import is_log_complete, options
from tools.benchmarks.catalogue import CATALOGUE
from tools.benchmarks.goals import Goal
from tools.benchmarks.log_sections import ACCOUNT, FROZEN, HEALTHY, SOAK
from tools.benchmarks.plots import chart, plots
from tools.benchmarks.results import Cell, Measurement, Results, Spread, percentile
from tools.benchmarks.run_notes import run_notes
from tools.benchmarks.sections import CLOSED, OPEN
from tools.benchmarks.tables import Table, format_number, format_spread, tables

EIGHT = Cell(CLOSED, 8)


def results(*measured: tuple[Cell, str, int, Mapping[str, float]], **failed: int) -> Results:
    found = [
        Measurement(cell, name, number, {"busy": 0.5, **figures}, failed) for cell, name, number, figures in measured
    ]
    return Results({"cores": 2}, {}, found)


def rates(name: str, *values: float) -> list[tuple[Cell, str, int, Mapping[str, float]]]:
    return [(EIGHT, name, number, {"rate": value}) for number, value in enumerate(values)]


def test_it_returns_median_and_range() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([]) is None


@pytest.mark.parametrize(("rank", "value"), [(0.5, 50), (0.99, 99), (1, 100), (0.001, 1), (0, 1)])
def test_a_percentile_is_one_of_the_values(rank: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], rank) == value
    assert percentile([], rank) == 0


def test_it_compares_within_a_round() -> None:
    # Twice as fast in each round, though the machine slowed down between them.
    found = results(*rates("gateway", 200, 20), *rates("straight", 100, 10))
    assert found.ratio(EIGHT, "gateway", "straight", "rate") == Spread(2.0, 2.0, 2.0)
    assert found.added(EIGHT, "gateway", "straight", "rate") == Spread(55.0, 10.0, 100.0)


def test_it_leaves_out_rounds_that_only_one_has() -> None:
    found = results(*rates("gateway", 200, 30, 1), *rates("straight", 100))
    assert found.ratio(EIGHT, "gateway", "straight", "rate") == Spread(2.0, 2.0, 2.0)
    assert found.ratio(EIGHT, "gateway", "litellm", "rate") is None
    assert found.ratio(Cell(CLOSED, 32), "gateway", "straight", "rate") is None


def test_what_is_zero_makes_no_ratio_of_zero() -> None:
    found = results(*rates("gateway", 200), *rates("straight", 0))
    assert found.ratio(EIGHT, "gateway", "straight", "rate") == Spread(*[float("inf")] * 3)


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12"), (1.0, "1.00"), (12.34, "12.3"), (-2.5, "-2.50"), (1234.5, "1,234")]
)
def test_it_rounds_by_size(value: float, text: str) -> None:
    assert format_number(value) == text


def test_it_shows_a_range_only_where_there_is_one() -> None:
    assert format_spread(Spread(2, 1, 30)) == "2.00 (1.00–30.0)"
    assert format_spread(Spread(2, 2, 2)) == "2.00"
    assert format_spread(None) == "–"


def test_a_table_is_aligned() -> None:
    lines = Table("Title", ["variant", "1"], [["gateway", "12.5"], ["x", "–"]]).lines()
    assert lines[2:6] == ["| variant |    1 |", "| ------- | ---: |", "| gateway | 12.5 |", "| x       |    – |"]


def test_tables_show_what_was_added_to_the_model_s_own() -> None:
    times = [(EIGHT, name, 0, {"p50": p50, "p99": 9.0}) for name, p50 in (("straight", 1.0), ("gateway", 3.5))]
    [added] = [table for table in tables(results(*times)) if table.title.startswith("Added latency p50")]
    assert added.rows == [["straight", "1.00"], ["gateway", "2.50"]]


@pytest.mark.parametrize(
    ("less", "value", "verdict"),
    [
        (False, 3.9, "missed"),
        (False, 4, "must"),
        (False, 6, "goal"),
        (True, 4.1, "missed"),
        (True, 4, "must"),
        (True, 2, "goal"),
    ],
)
def test_a_goal_reports_what_was_reached(less: bool, value: float, verdict: str) -> None:
    goal = Goal("x", 4, 2 if less else 6, "", lambda _: Spread(value, 0, 99), lower_is_better=less)
    assert goal.verdict(results()) == verdict


def test_every_goal_says_when_it_was_not_measured() -> None:
    assert {row[-1] for row in goals.table(results()).rows} == {"not measured"}


def test_goals_look_where_it_was_measured() -> None:
    measured = [
        *rates("gateway", 900),
        *rates("naive-celery", 100),
        (Cell(OPEN, 500), "gateway", 0, {"p99": 14.0}),
        (Cell(HEALTHY, 250), "gateway", 0, {"p99": 10.0}),
        (Cell(FROZEN, 250), "gateway", 0, {"p99": 21.0}),
        (Cell(ACCOUNT), "gateway", 0, {"missing": 1.0}),
        *((Cell(SOAK), "gateway", step, {"pss_mib": pss}) for step, pss in enumerate((90.0, 100.0, 101.0, 101.5))),
    ]
    run = results(*measured)
    run.plan = {"soak": 1_000_000}
    found = {row[0]: row[3:] for row in goals.table(run).rows if row[4] != "not measured"}
    assert found == {
        "requests/s at 8 connections, over naive Celery": ["9.00", "goal"],
        "open loop at 500/s on all cores, p99": ["14.0", "must"],
        "Redis frozen for 5 s under 250/s: p99 over the healthy one": ["2.10", "missed"],
        "memory of the web process: growth over a soak (--soak 1000000)": ["1.50", "goal"],
        "answered minus rows": ["1.00", "missed"],
    }


def test_a_short_soak_is_shown_and_proves_nothing() -> None:
    steps = [
        (Cell(SOAK), "gateway", step, {"served": 10.0 * step, "pss_mib": 9.0, "rss_mib": 8.0}) for step in range(3)
    ]
    run = results(*steps)
    run.plan = {"soak": 3000}
    assert {row[-1] for row in goals.table(run).rows} == {"not measured"}
    [table] = tables(run)
    assert table.rows[-1] == ["20.0", "9.00", "8.00"]


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        ({"missing": 0.0, "unanswered": 0.0, "verified": 1.0}, True),
        ({"missing": 1.0, "unanswered": 1.0, "verified": 1.0}, False),
        ({"missing": -1.0, "unanswered": 0.0, "verified": 1.0}, False),
        ({"missing": -1.0, "unanswered": 1.0, "verified": 1.0}, True),
        ({"missing": 0.0, "unanswered": 0.0, "verified": 0.0}, False),
        ({}, False),
    ],
)
def test_the_exit_status_follows_the_promise(figures: dict[str, float], kept: bool) -> None:
    assert is_log_complete(results((Cell(ACCOUNT), "gateway", 0, figures))) is kept


def test_a_gateway_that_was_dropped_kept_nothing() -> None:
    found = results((Cell(ACCOUNT), "gateway", 0, {"missing": 0.0, "unanswered": 0.0, "verified": 1.0}))
    found.missing["gateway"] = "it ended"
    assert not is_log_complete(found)


def test_notes_report_noise_and_failures() -> None:
    def notes(foreign: float, *, callers_run_first: bool = True) -> str:
        closed = [(EIGHT, name, 0, {"rate": 9.0, "foreign": foreign}) for name in ("straight", "litellm")]
        return " ".join(run_notes(results(*closed, broken=3), [], callers_run_first=callers_run_first))

    assert "not quiet" in notes(0.4)
    assert "not quiet" not in notes(0.01)
    assert "had no priority" not in notes(0.01)
    assert "had no priority" in notes(0.01, callers_run_first=False)
    assert "litellm: requests without a 2xx, by status or reason: {'broken': 3}" in notes(0.01)


def test_a_chart_is_drawn_to_scale() -> None:
    drawn = chart("T & t", "ms", {"gateway": Spread(10, 5, 20), "<x>": Spread(5, 5, 5), "n": None})
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    bars = [float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == [pytest.approx(2 * bars[1]), bars[1]]
    assert "<x>" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_charts_leave_the_model_itself_out() -> None:
    drawn = plots(results(*rates("straight", 50_000), *rates("gateway", 1_000)))["requests-8"]
    assert "gateway" in drawn
    assert "straight" not in drawn


def test_it_writes_between_the_marks_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    for rate in (123.0, 456.0):
        found = results(*rates("straight", 1), *rates("gateway", rate))
        found.missing["litellm"] = "pip: no such thing"
        page.publish(found, file)
    text = file.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "123" not in text
    assert "456" in text
    assert "**litellm is missing:** pip: no such thing" in text
    saved = json.loads((tmp_path / "performance" / "results.json").read_text())
    assert saved["measurements"][1]["figures"]["rate"] == 456
    for name in plots(found):
        assert (tmp_path / "performance" / f"{name}.svg").exists()


@pytest.mark.parametrize("text", ["", page.BEGIN, page.END, f"{page.END}{page.BEGIN}"])
def test_a_page_without_marks_is_left_alone(text: str) -> None:
    with pytest.raises(page.NoMarks):
        page.between_marks(text, "new")


def test_the_page_has_its_marks() -> None:
    assert page.between_marks(page.PAGE.read_text(), "new")


def test_what_is_asked_for_comes_with_the_model_itself() -> None:
    assert options(["--only", "gateway,naive-celery"]).only == ["straight", "gateway", "naive-celery"]
    assert set(options([]).only) == CATALOGUE.keys() - {"gateway-open", "gateway-basic"}
    with pytest.raises(SystemExit):
        options(["--only", "gatway"])
