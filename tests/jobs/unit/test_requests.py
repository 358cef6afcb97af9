"""Removing a member from a JSON object's text, or adding one, changes nothing else in the text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.strict_json import with_member, without

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("event"), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=5) | st.just("event"), VALUES, max_size=5),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_it_removes_only_the_member(value: dict[str, object], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    left = without(text, "event")
    assert json.loads(left) == {name: member for name, member in value.items() if name != "event"}
    for name, member in value.items():
        if name != "event":
            assert json.dumps(member, ensure_ascii=ascii_only) in left or indent


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("{}", "{}"),
        ('{"event": 1}', "{}"),
        (r'{"\u0065vent": "}", "n" : 1e999 }', '{ "n" : 1e999 }'),
        (
            r'{"a": "\\\"event\": {", "event": [{"event": 1}], "b": {"event": 2}}',
            r'{"a": "\\\"event\": {", "b": {"event": 2}}',
        ),
    ],
)
def test_it_keeps_the_rest_of_the_text_unchanged(text: str, left: str) -> None:
    assert without(text, "event") == left


@pytest.mark.parametrize(
    ("text", "more"),
    [("{}", '{"n":[1]}'), (" { } ", '{"n":[1]}'), (' {"a" : 1e999} ', '{"n":[1],"a" : 1e999}')],
)
def test_it_inserts_a_member_at_the_front(text: str, more: str) -> None:
    assert with_member(text, "n", "[1]") == more


def test_its_time_is_linear_in_the_length() -> None:
    text = '{"a": "' + '\\"' * 1_000_000 + '", "event": ' + "[" * 500 + "]" * 500 + "}"
    assert without(text, "event") == '{"a": "' + '\\"' * 1_000_000 + '"}'
