"""Demonstration data: varied inputs, opening hours, invented people."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common import person_names
from common.ids import uuid7
from ml_proxy.demo.hours import OpeningHours
from ml_proxy.demo.inputs import varied
from ml_proxy.demo.people import NAME_STYLES, invent

NUMBER = {"type": "number", "minimum": 0.5, "maximum": 2}
SCHEMA = {
    "type": "object",
    "properties": {
        "a": NUMBER,
        "whole": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 9},
        "list": {"type": "array", "items": NUMBER},
        "choice": {"enum": ["x", "y"]},
        "switch": {"type": "boolean"},
        "odd": True,
    },
}


def body(**members: Any) -> dict[str, Any]:
    return {"a": 1.0, "whole": 6, "list": [1, 1.5], "choice": "x", "switch": True, "odd": 3, **members}


@given(st.integers())
def test_it_varies_within_the_schema(seed: int) -> None:
    found = varied(body(), SCHEMA, random.Random(seed))
    assert found.keys() == body().keys()
    assert all(0.5 <= number <= 2 for number in [found["a"], *found["list"]])
    assert found["whole"] in range(4, 9)
    assert type(found["whole"]) is int
    assert found["choice"] in {"x", "y"}


@given(st.integers())
def test_it_does_not_change_values_without_a_schema(seed: int) -> None:
    found = varied(body(unknown=[7]), SCHEMA, random.Random(seed))
    assert (found["unknown"], found["odd"], found["switch"]) == ([7], 3, True)
    assert varied(body(), None, random.Random(seed)) == body()


def test_it_changes_the_values() -> None:
    found = [varied(body(), SCHEMA, random.Random(seed)) for seed in range(20)]
    assert len({one["a"] for one in found}) > 10
    assert {one["choice"] for one in found} == {"x", "y"}


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001 - set below
    st.integers(1, 40),
    st.floats(0, 1, exclude_max=True),
)
def test_it_returns_times_within_the_requested_days(until: datetime, days: int, share: float) -> None:
    until = until.replace(tzinfo=UTC)
    moment = OpeningHours(days=days, until=until).at(share)
    assert until - timedelta(days=days) <= moment <= until


def test_it_uses_the_whole_day_if_the_clinic_was_closed() -> None:
    monday = datetime(2026, 1, 4, 20, tzinfo=UTC)  # five in the morning in Seoul, after a Sunday
    assert OpeningHours(days=1, until=monday).at(0) == monday - timedelta(days=1)


def test_every_invented_name_can_be_stored() -> None:
    for style in NAME_STYLES:
        for family in style.families:
            for given_name in style.givens:
                name = style.pattern.format(family=family, given=given_name)
                assert len(person_names.canonical(name)) >= 2


def test_it_invents_the_requested_number_and_is_reproducible() -> None:
    assert len(invent(500, random.Random(1))) == 500
    assert invent(50, random.Random(1)) == invent(50, random.Random(1))


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001 - set below
def test_an_id_contains_its_time(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    minted = uuid7(moment)
    assert minted.version == 7
    assert minted.int >> 80 == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert minted != uuid7(moment)
