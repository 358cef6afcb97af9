"""Person names have one normalized form."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from common.person_names import MAX_LENGTH, BadName, canonical
from common.strict_json import Number

KOREAN = "\uae40\ubbfc\uc900"


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Dr. Kim", "Dr. Kim"),
        ("  Dr.  Kim\t\n", "Dr.  Kim"),
        ("\u3000" + KOREAN + "\xa0", KOREAN),
        (unicodedata.normalize("NFD", KOREAN), KOREAN),
        (unicodedata.normalize("NFD", KOREAN * 33 + "\uae40"), KOREAN * 33 + "\uae40"),
        ("Jose\u0301", "Jos\u00e9"),
        ("a" * MAX_LENGTH, "a" * MAX_LENGTH),
        (" " * 500 + "x" * MAX_LENGTH + " " * 500, "x" * MAX_LENGTH),
        ("\U0001f600" * MAX_LENGTH, "\U0001f600" * MAX_LENGTH),
        ("O'Brien \u2013 <b>&amp;</b>", "O'Brien \u2013 <b>&amp;</b>"),
    ],
)
def test_it_normalizes_a_name(given_name: str, kept: str) -> None:
    assert canonical(given_name) == kept


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "blank"),
        (" \t\r\n\u3000", "blank"),
        ("a" * (MAX_LENGTH + 1), "100"),
        ("\u0958" * 51, "100"),  # one character that NFC writes as two
        ("a\0b", "NUL"),
        ("a\ud800", "surrogate"),
        ("\udfffb", "surrogate"),
        (None, "string"),
        (True, "string"),
        (Number("12"), "string"),
        (["Kim"], "string"),
        ((("first", "Min"),), "string"),
        (7, "string"),
        (b"Kim", "string"),
    ],
)
def test_it_refuses_invalid_names(value: Any, why: str) -> None:
    with pytest.raises(BadName, match=why):
        canonical(value)


@given(st.text())
def test_it_is_idempotent(name: str) -> None:
    try:
        kept = canonical(name)
    except BadName:
        return
    assert canonical(kept) == kept == kept.strip()
    assert 1 <= len(kept) <= MAX_LENGTH


@given(st.text(min_size=1, max_size=20))
def test_nfc_and_nfd_have_the_same_form(name: str) -> None:
    try:
        kept = canonical(unicodedata.normalize("NFC", name))
    except BadName:
        reject()
    assert canonical(unicodedata.normalize("NFD", name)) == kept


@given(st.text(min_size=101))
def test_it_never_quotes_a_name(name: str) -> None:
    with pytest.raises(BadName) as refusal:
        canonical(name + "\0" + "x" * 101)
    assert name not in str(refusal.value)
