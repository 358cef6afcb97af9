"""A batch's message: a valid one is read back, and anything else is refused."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.batches import BadBatch, Batch, Numbered
from recording.seals import UnknownKey, keyring

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


KEY_ID = keyring().current.id


def packed(payload: bytes) -> str:
    raw = Batch(uuid4(), "", KEY_ID, (Numbered(1, b"d" * 32, b"s" * 32, payload),)).as_message()["records"]
    assert isinstance(raw, str)
    return raw


def message() -> dict[str, Any]:
    numbers = tuple(Numbered(number, b"d" * 32, b"s" * 32, payload) for number, payload in ((7, b"{}"), (8, b"\xff")))
    return Batch(uuid4(), "host", KEY_ID, numbers).as_message()


def test_it_reads_what_was_written() -> None:
    written = message()
    batch = Batch.from_message(written)
    assert (batch.first, batch.last, batch.as_message()) == (7, 8, written)


@given(found=st.dictionaries(st.sampled_from(["origin", "host", "key_id", "first", "records"]), JSON))
def test_it_refuses_any_other_json(found: dict[str, Any]) -> None:
    with pytest.raises((BadBatch, UnknownKey)):
        Batch.from_message(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origin", "MARKER"),
        ("origin", 5),
        ("host", "x" * 256),
        ("host", "MARKER\0"),
        ("host", None),
        ("key_id", "x" * 17),
        ("key_id", ["MARKER"]),
        ("first", 0),
        ("first", "7"),
        ("first", 7.0),
        ("first", 2**63 - 1),
        ("records", []),
        ("records", ""),
        ("records", "MARKER\x00"),
        ("records", "\ud800MARKER"),
        ("records", packed(b"MARKER")[:-4]),
        ("records", packed(b"x") + packed(b"MARKER")[:64]),
        ("seal", ""),
        ("seal", "MARKER"),
        ("seal", None),
        ("origin", "00000000-0000-4000-8000-000000000000"),
        ("host", "another"),
        ("first", 8),
        ("records", packed(b"{}")),
    ],
)
def test_it_refuses_invalid_values_and_quotes_none_of_them(name: str, value: Any) -> None:
    with pytest.raises(BadBatch) as caught:
        Batch.from_message(message() | {name: value})
    assert "MARKER" not in str(caught.value)
