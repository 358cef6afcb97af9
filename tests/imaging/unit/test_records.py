"""What a seal of a call covers. These bytes never change: old rows have to verify."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from imaging.records import ProviderCallRecord
from recording.records import BadRecord
from tests.support.provider_calls import call

RECORD = call(
    id=UUID(int=1),
    recorded_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    prompt_version="describe 1",
    prompt="책상",
    cost_microdollars=42_000,
    job=str(UUID(int=2)),
)


def test_a_record_round_trips() -> None:
    assert ProviderCallRecord.decode(RECORD.encode()) == RECORD


def test_attachments_that_can_t_be_parsed_are_refused() -> None:
    with pytest.raises(BadRecord):
        call(files="{")


def test_the_sealed_bytes_are_these() -> None:
    assert RECORD.content(1).hex() == (
        "0000000c696d6167696e672e63616c6c00000001000000000000000000000000000000010006475ef64cf34600000000"
        "000000000000000000000000000000000000a41040348000000000000000000d6465736b5f636c617373696679000000"
        "056c6f63616c00000012656666696369656e746e65742d6c697465300000000835373933343432340000000a64657363"
        "72696265203100000006ecb185ec8381000000127b22636c617373696679223a20747275657d00000009737563636565"
        "646564000000000000002430303030303030302d303030302d303030302d303030302d30303030303030303030303200"
        "000003616e6e000000017200000000"
    )
