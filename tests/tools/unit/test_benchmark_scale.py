"""The evaluation of the scale benchmark: costs, missed goals, the page and its SQL."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.query_plans import Explained
from tools.benchmarks import page
from tools.benchmarks.results import Cell, Measurement, Results
from tools.benchmarks.scale import capacity, report
from tools.benchmarks.scale.__main__ import options
from tools.benchmarks.scale.costs import GOALS, costs, relative
from tools.benchmarks.scale.partitions import ATTACH, DETACH, FUNCTION, MONTH, ONCE, statements
from tools.benchmarks.scale.queries import QueryCase, _faults

SIZES = (100_000, 1_000_000)
QUICK = {f"{prefix}{rank}": 0.5 for prefix in ("", "server_") for rank in ("p50", "p95", "p99")}


def measured(section: str, name: str, size: int, *faults: str, **figures: float) -> Measurement:
    return Measurement(Cell(section, size), name, 0, figures, dict.fromkeys(faults, 1))


def results(*others: Measurement) -> Results:
    pages = [measured("page", "all, 0% deep", size, **QUICK) for size in SIZES]
    return Results({"cores": 2}, {}, [*pages, *others])


def walk(size: int, rows: float, cpu: float, *faults: str) -> Measurement:
    return measured(
        "walk",
        "verify_log",
        size,
        *faults,
        rows=rows,
        command_cpu=cpu,
        server_cpu=0.0,
        peak_mib=90.0,
        seconds=1.0,
        mib=0,
    )


def test_a_walk_costs_what_it_takes_beyond_an_empty_log() -> None:
    found = costs(results(walk(0, 0, 1.0), walk(SIZES[0], 10_000, 1.5), walk(SIZES[1], 100_000, 6.0)))
    assert list(found["verify_log, ms of CPU per row"].values()) == pytest.approx([0.05, 0.05])


def test_what_was_not_measured_at_each_size_has_no_growth() -> None:
    assert list(costs(results(walk(SIZES[1], 100_000, 6.0)))) == ["history page of 100, ms in the database"]


def test_one_section_alone_is_reported() -> None:
    cpu = measured("gateway_cpu", "all", SIZES[0], p50=1.5, p95=2.0)
    assert any("100,000 rows" in line for line in report.lines(Results({"cores": 2}, {}, [cpu])))


def test_the_plot_begins_at_one() -> None:
    bars = relative(results())
    assert [bar.median for bar in bars.values() if bar] == [1, 1]


def test_it_says_which_must_was_missed() -> None:
    slow = measured("page", "both, 0% deep", SIZES[1], **{**QUICK, "p95": 2.5})
    dear = (walk(0, 0, 1.0), walk(SIZES[0], 10_000, 1.5), walk(SIZES[1], 100_000, 26.0))
    assert report.failures(results()) == []
    assert report.failures(results(slow, *dear)) == [
        "missed: history page, p95 of the slowest query, execute and fetch: 2.50, must be 2 ms",
        "missed: verify_log, per row, growth from 100,000 rows: 5.00, must be 2x",
    ]


def test_a_wrong_plan_or_a_failed_command_is_named() -> None:
    small = measured("page", "both, 0% deep", 10_000, "Sort", **QUICK)
    large = measured("page", "both, 0% deep", SIZES[1], "Seq Scan", **QUICK)
    broken = walk(SIZES[0], 10_000, 1.0, "status 1: 1 findings")
    assert report.failures(results(small)) == []  # PostgreSQL may choose other plans for so few rows
    missed, *named = report.failures(results(large, broken))
    assert missed.startswith("missed: wrong plans and failed commands")
    assert named == [
        "wrong at 1,000,000 rows: page 'both, 0% deep': Seq Scan",
        "wrong at 100,000 rows: walk 'verify_log': status 1: 1 findings",
    ]


@pytest.mark.parametrize(
    ("node", "faults"),
    [
        ({"Node Type": "Index Scan", "Index Name": "by_it", "Actual Rows": 101}, set()),
        ({"Node Type": "Index Scan", "Index Name": "by_other", "Actual Rows": 1}, {"not by by_it"}),
        ({"Node Type": "Index Scan", "Index Name": "by_it", "Actual Rows": 102}, {"102 rows touched"}),
        (
            {
                "Node Type": "Index Scan",
                "Index Name": "by_it",
                "Actual Rows": 1,
                "Rows Removed by Filter": 500,
            },
            {"501 rows touched"},
        ),
        ({"Node Type": "Seq Scan", "Actual Rows": 1}, {"Seq Scan", "not by by_it"}),
    ],
)
def test_it_judges_a_plan(node: dict[str, Any], faults: set[str]) -> None:
    case = QueryCase("x", [], "by_it", 101)
    assert _faults(case, [Explained([{"Actual Loops": 1, **node}], 1.0)]) == faults


def test_a_sort_is_a_fault_but_where_rows_were_found_by_id() -> None:
    found: dict[str, Any] = {"Node Type": "Index Scan", "Index Name": "pk", "Actual Rows": 1, "Actual Loops": 1}
    nodes = [{"Node Type": "Incremental Sort"}, found]
    assert _faults(QueryCase("x", [], "pk", 101), [Explained(nodes, 1.0)]) == {"Incremental Sort"}
    assert _faults(QueryCase("x", [], "pk", 101, may_sort=True), [Explained(nodes, 1.0)]) == set()


def test_it_measures_again_and_keeps_what_it_does_not(tmp_path: Path) -> None:
    results(walk(0, 0, 1.0)).save(tmp_path / report.SAVED)
    found = report.merged(tmp_path / report.SAVED, Results({"cores": 4}, {}))
    assert found.measurements == results(walk(0, 0, 1.0)).measurements
    assert found.machine == {"cores": 4}
    assert report.merged(tmp_path / "none", Results({}, {})).measurements == []


def test_the_arithmetic_is_its_formulas() -> None:
    one = {"w": 1.4, "k": 0.2, "p": 0.1, "d": 2000.0, "j": 1000.0, "m": 1500.0}
    by_name = {name.partition(":")[0]: values[1] for name, values in capacity.estimates(one).items()}  # at 1,000/s
    assert by_name["rows a day, millions"] == pytest.approx(86.4)
    assert by_name["PostgreSQL's disk, GB a day"] == pytest.approx(172.8)
    assert by_name["cores for web processes"] == pytest.approx(2.0)
    assert by_name["messages per second, 200 records each"] == 5
    assert by_name["journal for an hour of outage, GB"] == pytest.approx(3.6)
    assert by_name["JOURNAL_MAX_BYTES of 1 GiB lasts, minutes"] == pytest.approx(2**30 / 1e6 / 60)


def test_the_page_has_its_marks_and_its_sql() -> None:
    text = report.PAGE.read_text()
    for mark in (report.MEASURED, report.PARTITIONED, report.ESTIMATED):
        assert page.between_marks(text, "new", mark) != text
    found = statements(text)
    assert list(found) == [FUNCTION, ONCE, MONTH, DETACH, ATTACH]
    assert found[ONCE].rstrip().endswith("COMMIT;")
    assert found[MONTH].count("2026_12") == 1


@pytest.mark.parametrize("rows", ["0", "15000", "-10000", "many"])
def test_it_grows_by_whole_pieces(rows: str) -> None:
    assert options(["--rows", "20000"]).rows == 20_000
    with pytest.raises(SystemExit):
        options(["--rows", rows])


def test_every_goal_has_its_own_name() -> None:
    assert len({goal.name for goal in GOALS}) == len(GOALS)
