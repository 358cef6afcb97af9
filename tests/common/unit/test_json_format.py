"""JSON is formatted for people without changing its values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.json_format import indented

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_it_keeps_every_value_and_escapes_unprintable_characters(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    shown, is_all = indented(text, 10**6)
    assert is_all
    assert json.loads(shown) == json.loads(text)
    assert all(line.isprintable() for line in shown.split("\n"))


def test_each_member_is_on_its_own_line() -> None:
    shown, _ = indented('{"a":[1,2 , {}],"b" :{"c":[ ]},\n\n"d":"x, {y}: z"}', 1000)
    assert shown == '{\n  "a": [\n    1,\n    2,\n    {}\n  ],\n  "b": {\n    "c": []\n  },\n  "d": "x, {y}: z"\n}'


@pytest.mark.parametrize("number", ["1e999", "-0", "-0.0E+00", "1" * 400, "0." + "3" * 400])
def test_numbers_stay_unchanged(number: str) -> None:
    assert indented(f"[{number}]", 1000) == (f"[\n  {number}\n]", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\uae40\ubbfc\uc900"', '"김민준"'),
        (r'"\ud83d\ude00"', '"😀"'),
        (r'"\u003cb\u003e\u0026"', '"<b>&"'),
        (r'"\u0022\u005c"', r'"\"\\"'),
        (r'"\u0000\ud800\udc00\udc00"', r'"\u0000𐀀\udc00"'),
        (r'"\\u0041"', r'"\\u0041"'),
        (r'"\/\n\t"', r'"\/\n\t"'),
        ('"a\u202eb\u200b\x85"', r'"a\u202eb\u200b\u0085"'),
        (r'"\u202e"', r'"\u202e"'),
    ],
)
def test_it_unescapes_characters_if_that_is_safe(text: str, expected: str) -> None:
    assert indented(text, 1000) == (expected, True)


@pytest.mark.parametrize("text", ["[" * 512 + "]" * 512, '[{"a":' * 256 + "1" + "}]" * 256, "[1,[" * 2000])
def test_its_output_is_bounded_at_any_depth(text: str) -> None:
    shown, is_all = indented(text, 10_000)
    assert not is_all
    assert len(shown) <= 10_000


@given(VALUES, st.integers(min_value=0))
def test_it_formats_truncated_text(value: Any, cut: int) -> None:
    text = json.dumps(value)
    shown, is_all = indented(text[: cut % (len(text) + 1)], 10**6)
    assert is_all
    assert all(line.isprintable() for line in shown.split("\n"))
