"""The campaign's comparison detects each kind of error in a log."""

import hashlib
from dataclasses import asdict, replace

import pytest

from tools.chaos.clients import BROKEN, Attempt
from tools.chaos.comparison import compare
from tools.chaos.databases import Row
from tools.chaos.plan import Plan, injections
from tools.chaos.report import percentiles

TEXT = '{"number": 1}'
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


def attempt(number: int, *, status: int = 200, named: bool = True) -> Attempt:
    return Attempt(f"request-{number}", status, f"0000-{number:04d}" if named else "", DIGEST, 0.004)


def row(number: int, *, request: int | None = None, output: str = TEXT) -> Row:
    return Row(f"0000{number:04d}", f"request-{request or number}", output, 1.0)


@pytest.mark.parametrize(
    ("attempts", "rows", "wrong"),
    [
        ([attempt(1), attempt(2)], [row(1), row(2)], {}),
        ([attempt(1), attempt(2)], [row(1)], {"missing": 1}),
        ([attempt(1)], [row(1), row(1)], {"doubled": 1}),
        ([attempt(1)], [row(1), row(9, request=1)], {"doubled": 1, "withheld": 1}),
        ([attempt(1)], [row(1, output="{}")], {"altered": 1}),
        ([attempt(1), attempt(2)], [row(1, request=2), row(2, request=1)], {"altered": 2}),
        ([attempt(1, named=False)], [], {"unnamed": 1}),
        ([attempt(1, status=BROKEN, named=False)], [row(1)], {"unanswered": 1}),
        ([attempt(1, status=502, named=False)], [row(1)], {"withheld": 1}),
        ([attempt(1, status=BROKEN, named=False), attempt(1, status=503, named=False)], [row(1)], {"unanswered": 1}),
        ([replace(attempt(1, status=503, named=False), seconds=2.0)], [row(1)], {"unanswered": 1}),
        ([attempt(1, status=409, named=False)], [row(1)], {"unanswered": 1}),
        ([attempt(1), attempt(1)], [row(1)], {}),
        ([attempt(1), replace(attempt(1), digest="other")], [row(1)], {"altered": 1}),
        ([attempt(1), replace(attempt(2), request_id="request-1")], [row(1)], {"missing": 1}),
        ([], [row(1)], {"foreign": 1}),
    ],
)
def test_it_counts_what_is_wrong(attempts: list[Attempt], rows: list[Row], wrong: dict[str, int]) -> None:
    found = asdict(compare(attempts, rows, stalled_seconds=2.0)[0])
    assert {name: count for name, count in found.items() if count and name != "written"} == wrong


def test_it_returns_the_time_that_the_gateway_added() -> None:
    assert compare([attempt(1)], [row(1)])[1] == pytest.approx([3.0])
    assert percentiles([1.0, 2.0, 3.0, 9.0]) == {"p50": 2.0, "p99": 9.0, "max": 9.0}


def test_it_leaves_keyed_ones_out_of_the_times() -> None:
    assert compare([replace(attempt(1), is_keyed=True)], [row(1)])[1] == []


def test_a_seed_gives_the_same_faults_again() -> None:
    plan = Plan(seed=5, faults=40, database="sqlite")
    assert injections(plan, ["sqlite"]) == injections(plan, ["sqlite"]) != injections(replace(plan, seed=6), ["sqlite"])
    injected = [fault for injection in injections(plan, ["sqlite"]) for fault in injection.faults]
    assert len(injected) == 40
    assert injected[20].name == "FLUSHALL"
    assert {fault.needs for fault in injected} == {"", "sqlite"}
    assert any(len(injection.faults) == 2 for injection in injections(plan, ["sqlite"]))
