from typing import Any

import pytest

from ml_server.checking import Checker
from ml_server.exceptions import Fault, Unprocessable
from ml_server.params import RETRAIN_SCHEMA

CHECKER = Checker(RETRAIN_SCHEMA)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"params": {"C": 0}}, Fault("params.C", "must be 0.0001 or more")),
        ({"params": {"seed": 2**32}}, Fault("params.seed", "must be 4294967295 or less")),
        ({"params": {"epochs": 1.5}}, Fault("params.epochs", "must be of type integer")),
        ({"params": {"epochs": True}}, Fault("params.epochs", "must be of type integer")),
        ({"params": {"min_seconds": "1"}}, Fault("params.min_seconds", "must be of type number")),
        ({"params": {"depth": 3}}, Fault("params.depth", "is not known")),
        ({"params": []}, Fault("params", "must be of type object")),
        ({"parameters": {}}, Fault("parameters", "is not known")),
        ({"model": None}, Fault("model", "must be of type string")),
    ],
)
def test_it_names_the_field_and_what_it_must_be(body: dict[str, Any], fault: Fault) -> None:
    with pytest.raises(Unprocessable) as caught:
        CHECKER.check(body)
    assert caught.value.faults == (fault,)


@pytest.mark.parametrize("body", [{}, {"params": {}}, {"model": "any"}, {"params": {"epochs": 5.0, "C": 1}}])
def test_it_lets_pass_what_fits(body: dict[str, Any]) -> None:
    CHECKER.check(body)


def test_it_names_every_fault_at_once_and_each_field_once() -> None:
    faults = CHECKER.faults({"params": {"C": -1, "seed": "x", "a": 1, "b": 2}, "zz": 1})
    assert sorted(fault.field for fault in faults) == ["params.C", "params.a", "params.b", "params.seed", "zz"]


def test_it_stops_at_a_hundred_faults_and_shortens_long_names() -> None:
    faults = CHECKER.faults({"x" * 1000 + str(number): 1 for number in range(1000)} | {str(n): 1 for n in range(1000)})
    assert len(faults) == 100
    assert max(len(fault.field) for fault in faults) <= 100


def test_it_does_not_stumble_over_what_it_refuses() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert CHECKER.faults({"params": {"C": deep}}) == [Fault("params.C", "must be of type number")]
    assert CHECKER.faults({"params": deep}) == [Fault("params", "must be of type object")]
