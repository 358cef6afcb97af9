"""A record round-trips, and invalid bytes are refused."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attachments.descriptors import Part, describe
from common.ids import uuid7
from ml_proxy.records import SOURCE, FeedbackRecord, InferenceRecord
from recording.records import BadRecord, UnsupportedRecord, without_contents

SECRET = "Kim Min-jun"

RECORD = InferenceRecord(
    id=uuid7(),
    doctor_name="Dr. Lee",
    patient_name=SECRET,
    input_data='{"patient_name": "Kim Min-jun"}',
    output_data="{}",
    predicted_at=datetime.now(UTC),
    latency_ms=1.5,
    model_name="m",
    model_version="1",
    request_id="r",
    caller="",
)


def written(**changes: Any) -> bytes:
    members = {
        "source": SOURCE,
        "version": 1,
        **asdict(RECORD),
        "id": str(RECORD.id),
        "predicted_at": RECORD.predicted_at.isoformat(),
    }
    return json.dumps({**members, **changes}).encode()


short = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001 - hypothesis' way


@given(
    st.builds(
        InferenceRecord,
        id=st.uuids(),
        doctor_name=short,
        patient_name=short,
        input_data=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        output_data=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        predicted_at=moments,
        latency_ms=st.floats(allow_nan=False, allow_infinity=False),
        model_name=short,
        model_version=short,
        request_id=short,
        caller=short,
    )
)
def test_it_round_trips(record: InferenceRecord) -> None:
    raw = record.encode()
    assert b"\n" not in raw
    assert InferenceRecord.decode(raw) == record


def test_it_carries_the_without_contents_its_files() -> None:
    contents = [b"\0\xff", b""]
    described = describe(
        RECORD.id, [Part(f"/{number}", "a.png", "image/png", data) for number, data in enumerate(contents)]
    )
    filed = replace(RECORD, files=described)
    raw = filed.encode(contents=contents)
    assert InferenceRecord.decode(raw) == filed
    assert without_contents(raw) == (filed.encode(), contents)


@pytest.mark.parametrize("contents", [b"5", b'["%"]', b"{}", b"[1]"])
def test_it_refuses_invalid_contents(contents: bytes) -> None:
    with pytest.raises(BadRecord):
        without_contents(b'{"source":"s","version":1,"contents":' + contents + b"}")


@pytest.mark.parametrize("version", [0, 2, 9999])
def test_it_leaves_an_unknown_version_to_a_newer_worker(version: int) -> None:
    with pytest.raises(UnsupportedRecord, match="upgrade the worker"):
        InferenceRecord.decode(written(version=version))


def test_its_sealed_bytes_are_the_golden_bytes() -> None:
    """Golden bytes: if they change, existing rows no longer verify. Add a version instead."""
    record = InferenceRecord(
        id=UUID(int=7),
        doctor_name="Dr. Lee",
        patient_name="김",
        input_data="{}",
        output_data="[]",
        predicted_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        latency_ms=1.5,
        model_name="m",
        model_version="1",
        request_id="r",
        caller="",
    )
    assert record.content().hex() == (
        "000000126d6c5f70726f78792e696e666572656e636500000001000000000000000000000000000000070006475ef64cf346"
        "3ff80000000000000000000744722e204c656500000003eab980000000027b7d000000025b5d000000016d00000001310000"
        "0001720000000000000000"
    )


def test_the_sealed_bytes_of_a_verdict_are_the_golden_bytes() -> None:
    """Golden bytes, as above."""
    record = FeedbackRecord(
        id=UUID(int=7),
        recorded_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        position=8,
        inference_id=UUID(int=9),
        verdict="correct",
        label="양성",
        note="",
        caller="c",
        model_name="m",
        model_version="1",
        predicted_at=datetime(2026, 1, 2, 3, 4, 5, 5, UTC),
    )
    assert record.content().hex() == (
        "000000116d6c5f70726f78792e666565646261636b00000001000000000000000000000000000000070006475ef64cf34600"
        "00000000000008000000000000000000000000000000090006475ef64cf34500000007636f727265637400000006ec9691ec"
        "84b1000000000000000163000000016d0000000131"
    )
    assert FeedbackRecord.decode(record.encode()) == record


def test_it_reads_what_this_test_writes() -> None:
    assert InferenceRecord.decode(written()) == RECORD


MALFORMED = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{}",
    b"\xff",
    b"[" * 5000,
    b"NaN",
    b'{"source": []}',
    b"\0" * 20,
]
MALFORMED += [
    written(source="other"),
    written(source=None),
    written(extra=1),
    written(doctor_name=1),
    written(caller=None),
    written(files=None),
    written(version=None),
    written(version=True),
    written(files="x"),
    written(files='[{"key": "../other"}]'),
    written(files=describe(RECORD.id, [Part("", "", "", b"")]).replace("inputs/", "inputs/../")),
]
ODD: dict[str, list[Any]] = {
    "id": [None, 1, "", "x", [], {}, "0" * 31, SECRET],
    "predicted_at": [None, 1, "", "yesterday", "2026-01-01T00:00:00", [], SECRET],
    "latency_ms": [None, "", SECRET, [], {}],
    "patient_name": ["x" * 101, "a\0b", "\ud800", 5, [SECRET], {"name": SECRET}],
}
MALFORMED += [written(**{name: value}) for name, values in ODD.items() for value in values]


@pytest.mark.parametrize("raw", MALFORMED)
def test_it_refuses_an_invalid_record_and_quotes_nothing_of_it(raw: bytes) -> None:
    with pytest.raises(BadRecord) as refusal:
        InferenceRecord.decode(raw)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("name", ["source", *sorted(asdict(RECORD).keys() - {"files"})])
def test_it_reports_a_missing_member(name: str) -> None:
    members = orjson.loads(written())
    del members[name]
    with pytest.raises(BadRecord):
        InferenceRecord.decode(orjson.dumps(members))


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(["source", "version", *asdict(RECORD)]), anything)
def test_any_member_value_is_valid_or_bad_record(name: str, value: Any) -> None:
    try:
        record = InferenceRecord.decode(written(**{name: value}))
    except (BadRecord, UnsupportedRecord):
        return
    assert isinstance(record.id, UUID)
    assert InferenceRecord.decode(record.encode()) == record


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_valid_or_bad_record(raw: bytes) -> None:
    with pytest.raises(BadRecord):
        InferenceRecord.decode(raw)


def test_it_refuses_a_text_with_a_lone_surrogate() -> None:
    with pytest.raises(BadRecord):
        InferenceRecord.decode(written() + "\ud800".encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("predicted_at", "0001-01-01T00:00:00+14:00"),
        ("latency_ms", "12"),
        ("latency_ms", True),
        ("latency_ms", None),
    ],
)
def test_it_refuses_values_that_no_row_can_store(member: str, value: object) -> None:
    with pytest.raises(BadRecord):
        InferenceRecord.decode(written(**{member: value}))
