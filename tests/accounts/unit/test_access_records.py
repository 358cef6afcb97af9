"""The record of one access: its sealed bytes, and what it refuses."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.access_log.records import AccessRecord
from recording.records import BadRecord, UnsupportedRecord
from tests.support.access_log import access_record


def test_its_sealed_bytes_are_the_golden_bytes() -> None:
    """Golden bytes: if they change, existing rows no longer verify. Add a version instead."""
    record = access_record(
        id=UUID(int=7),
        recorded_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        account="dr-kim",
        token_id="t",
        address="192.0.2.7",
        filters='{"patient":"김"}',
        patients=["김"],
        purpose="진료",
        detail="d",
    )
    assert record.content().hex() == (
        "0000000f6163636f756e74732e61636365737300000001000000000000000000000000000000070006475ef64cf346000000"
        "000000000100000000000000c80000000664722d6b696d0000000174000000093139322e302e322e37000000034745540000"
        "000e6d6c2f76312f686973746f72792f0000000e696e666572656e63652e6c697374000000117b2270617469656e74223a22"
        "eab980227d000000075b22eab980225d0000000b5b2244722e204b696d225d00000006eca784eba38c000000016400000001"
        "72"
    )


def test_it_round_trips() -> None:
    record = access_record(patients=["김민준", 'a "quoted" name'], doctors=[])
    assert AccessRecord.decode(record.encode()) == record


@pytest.mark.parametrize("people", ["", "{}", "[1]", "[", "null"])
def test_it_refuses_a_list_of_people_that_is_none(people: str) -> None:
    members = json.loads(access_record().encode()) | {"patients": people}
    with pytest.raises(BadRecord, match="list of people"):
        AccessRecord.decode(json.dumps(members, separators=(",", ":")).encode())


@pytest.mark.parametrize("version", [0, 2])
def test_it_leaves_an_unknown_version_to_a_newer_worker(version: int) -> None:
    members = json.loads(access_record().encode()) | {"version": version}
    with pytest.raises(UnsupportedRecord, match="upgrade the worker"):
        AccessRecord.decode(json.dumps(members, separators=(",", ":")).encode())
