"""How heads are packed into a fold."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording import folds
from recording.models import Fold, Origin

heads: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    id=st.uuids(),
    host=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=255),
    key_id=st.text("0123456789abcdef", min_size=16, max_size=16),
    settled=st.integers(1, 2**63 - 1).map("1-{}".format),
    erased=st.integers(0, 2**63 - 1),
    ended=st.booleans(),
    seal=st.binary(min_size=32, max_size=32),
)


def values(row: Origin) -> dict[str, Any]:
    names = ("id", "host", "key_id", "settled", "erased", "ended", "seal")
    return {name: getattr(row, name) for name in names}


@given(st.lists(heads, max_size=20, unique_by=lambda head: head["id"]))
def test_heads_come_out_as_they_were_packed(members: list[dict[str, Any]]) -> None:
    packed = folds.pack(Origin(**each) for each in members)
    assert [values(row) for row in folds.unpack(Fold(members=packed))] == members


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"x": []}',
        '{"00000000000000000000000000000001": null}',
        '{"00000000000000000000000000000001": []}',
        '{"00000000000000000000000000000001": [1, "k", "1-2", 0, true, ""]}',
        '{"00000000000000000000000000000001": ["h", "k", "1-2", "0", true, ""]}',
        '{"00000000000000000000000000000001": ["h", "k", "1-2", 0, true, "?"]}',
        '{"00000000000000000000000000000001": ["h", "k", "1-2", 0, true, null]}',
        '{"00000000000000000000000000000001": ["h", "k", "1-2", 0, true, "é"]}',
    ],
)
def test_a_fold_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(folds.BadFold, match="fold 7 can't be read"):
        folds.unpack(Fold(id=7, members=text))


def test_a_head_whose_text_is_none_has_no_numbers() -> None:
    assert folds.highest(Origin(id=UUID(int=1), settled="1-x")) == 0
    assert folds.highest(Origin(id=UUID(int=1), settled="1-12")) == 12
