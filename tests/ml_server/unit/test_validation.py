from typing import Any

import pytest

from ml_server.exceptions import FieldError, Unprocessable
from ml_server.params import RETRAIN_SCHEMA
from ml_server.validation import SchemaValidator

VALIDATOR = SchemaValidator(RETRAIN_SCHEMA)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"params": {"C": 0}}, FieldError("params.C", "must be 0.0001 or more")),
        ({"params": {"seed": 2**32}}, FieldError("params.seed", "must be 4294967295 or less")),
        ({"params": {"epochs": 1.5}}, FieldError("params.epochs", "must be of type integer")),
        ({"params": {"epochs": True}}, FieldError("params.epochs", "must be of type integer")),
        ({"params": {"min_seconds": "1"}}, FieldError("params.min_seconds", "must be of type number")),
        ({"params": {"depth": 3}}, FieldError("params.depth", "is unknown: remove it")),
        ({"params": []}, FieldError("params", "must be of type object")),
        ({"parameters": {}}, FieldError("parameters", "is unknown: remove it")),
        ({"model": None}, FieldError("model", "must be of type string")),
    ],
)
def test_it_names_the_field_and_what_it_must_be(body: dict[str, Any], error: FieldError) -> None:
    with pytest.raises(Unprocessable) as caught:
        VALIDATOR.validate(body)
    assert caught.value.field_errors == (error,)


@pytest.mark.parametrize("body", [{}, {"params": {}}, {"model": "any"}, {"params": {"epochs": 5.0, "C": 1}}])
def test_it_accepts_a_valid_body(body: dict[str, Any]) -> None:
    VALIDATOR.validate(body)


def test_it_reports_all_errors_at_once_and_each_field_once() -> None:
    errors = VALIDATOR.errors({"params": {"C": -1, "seed": "x", "a": 1, "b": 2}, "zz": 1})
    assert sorted(error.field for error in errors) == ["params.C", "params.a", "params.b", "params.seed", "zz"]


def test_it_stops_at_a_hundred_errors_and_shortens_long_names() -> None:
    errors = VALIDATOR.errors(
        {"x" * 1000 + str(number): 1 for number in range(1000)} | {str(n): 1 for n in range(1000)}
    )
    assert len(errors) == 100
    assert max(len(error.field) for error in errors) <= 100


def test_it_survives_deep_invalid_values() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert VALIDATOR.errors({"params": {"C": deep}}) == [FieldError("params.C", "must be of type number")]
    assert VALIDATOR.errors({"params": deep}) == [FieldError("params", "must be of type object")]


SIGNAL = SchemaValidator(
    {"properties": {"signal": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}}}
)


def test_it_accepts_a_list_of_numbers() -> None:
    SIGNAL.validate({"signal": [1, 2.5]})


@pytest.mark.parametrize(
    ("signal", "field"),
    [([1], "signal"), ([1] * 4, "signal"), ([1] * 10**6, "signal"), ([1, "x"], "signal.1"), ([1, [2]], "signal.1")],
)
def test_it_names_what_is_wrong_with_a_list(signal: list[Any], field: str) -> None:
    assert [error.field for error in SIGNAL.errors({"signal": signal})] == [field]
