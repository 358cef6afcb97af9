"""Normalization is that of Unicode, and needs little time for any text."""

import ast
import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import person_names
from common.normalization import PIECE, normalized
from tests.support.architecture import APPS
from tests.support.system import ROOT

OTHER_WAYS = ("unicodedata.normalize", ".normalize_username")
FORMS: tuple[Literal["NFC", "NFKC"], ...] = ("NFC", "NFKC")
MARKS = "\u0315\u0300"  # in the wrong order, so that each pair has to be sorted
ALLOWED = {"common/normalization.py", "common/person_names.py", "imaging/products/terms.py"}  # short texts only


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text())
def test_it_is_that_of_unicode(form: Literal["NFC", "NFKC"], text: str) -> None:
    assert normalized(form, text) == unicodedata.normalize(form, text)
    sentence = f"{text} is written. " * (PIECE // 8)
    assert normalized(form, sentence) == unicodedata.normalize(form, sentence)


@pytest.mark.parametrize("text", [MARKS * 250_000, "e" + MARKS * 250_000, "\uac00" * 500_000])
def test_it_needs_little_time_for_any_text(text: str) -> None:
    started = time.process_time()
    for form in FORMS:
        normalized(form, text)
    with pytest.raises(person_names.BadName):
        person_names.canonical(text)
    assert time.process_time() - started < 10


def test_no_other_module_normalizes_by_itself() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in APPS
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node).endswith(OTHER_WAYS))
        or (isinstance(node, ast.ImportFrom) and node.module == "unicodedata")
    }
    assert found == ALLOWED
