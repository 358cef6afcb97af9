"""Segments of an open origin that are settled out of order because a message was lost."""

from pathlib import Path

import pytest
import redis

from common.ids import uuid7
from recording import verification
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Spool, Writer
from recording.models import Origin
from recording.seals import keyring
from tests.support.record_pipeline import append, publisher, record, take_messages, write_messages

pytestmark = pytest.mark.django_db

SEGMENT_BYTES = 4096


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """Every record fills a segment."""
    key = keyring().current
    return Writer(tmp_path, new_origin=uuid7, key=key, max_bytes=2**30, segment_bytes=SEGMENT_BYTES)


def test_an_origin_stays_open_if_its_later_segments_are_settled_first(
    tmp_path: Path, writer: Writer, broker: redis.Redis
) -> None:
    for _ in range(3):
        append(writer, record(input_data=f'"{"x" * SEGMENT_BYTES}"'))
    publishing = publisher(tmp_path, republish_seconds=0)
    publishing.step()
    _lost, second, third = take_messages(broker)
    for message in (second, third):
        write_batch(Batch.from_message(message))
    publishing.step()  # removes the second segment and resends the first
    assert [name.number for name in Spool(tmp_path).segments()] == [1, 3]
    write_messages(broker)
    publishing.step()
    assert [name.number for name in Spool(tmp_path).segments()] == [3]
    assert not Origin.objects.get().ended
    append(writer, record())
    publishing.step()
    write_messages(broker)
    assert [finding for step in verification.verify(tmp_path) for finding in step.findings] == []
    writer.close()
    publishing.step()
    publishing.step()
    assert Origin.objects.get().ended
    assert [finding for step in verification.verify(tmp_path) for finding in step.findings] == []
