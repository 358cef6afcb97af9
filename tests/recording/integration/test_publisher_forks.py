"""A machine goes on from a snapshot with its memory: its gateway gives numbers of rows to other records."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis

from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording import verification
from recording.journal import Entry, Spool, Writer, segment
from recording.journal.segment import Frame, SegmentName
from recording.models import Disposition
from recording.seals import keyring
from tests.support.record_pipeline import append, publisher, record, write_messages

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def forked(tmp_path: Path, writer: Writer, broker: redis.Redis) -> InferenceRecord:
    """The record that has number 2 in the journal, in place of the one in the log; numbers 1 to 3 are rows."""
    publishing, given_again = publisher(tmp_path), record()
    for _ in range(3):
        append(writer, record())
    [name] = Spool(tmp_path).segments()
    first, *_ = Spool(tmp_path).frames(name)
    writer.close()
    publishing.step()
    write_messages(broker)
    assert InferenceLog.objects.count() == 3
    kept = (tmp_path / str(name)).read_bytes()[: first.end]
    (tmp_path / str(name)).write_bytes(kept + segment.pack(name, [second(name, first, given_again)]))
    return given_again


def second(name: SegmentName, first: Frame, item: InferenceRecord) -> Entry:
    """The record as number 2."""
    key, origin = keyring().find(name.key_id), UUID(name.origin)
    digest = key.digest(item.content())
    return Entry(2, digest, key.seal(first.entries[0].seal, origin, 2, digest), item.encode())


@pytest.fixture
def held(tmp_path: Path, forked: InferenceRecord) -> Iterator[None]:
    """The gateway still writes to the segment."""
    [name] = Spool(tmp_path).segments()
    descriptor = os.open(tmp_path / str(name), os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def findings(journal: Path) -> list[str]:
    return [str(finding) for step in verification.verify(journal) for finding in step.findings]


def test_its_records_become_rows_before_the_segment_is_removed(tmp_path: Path, forked: InferenceRecord) -> None:
    publisher(tmp_path).step()
    assert InferenceLog.objects.count() == 4
    assert InferenceLog.objects.get(pk=forked.id).sequence == 1
    assert not Spool(tmp_path).segments()
    assert findings(tmp_path) == []


@pytest.mark.usefixtures("held")
def test_they_do_not_wait_for_the_end_of_the_segment(
    tmp_path: Path, forked: InferenceRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recording.publisher.publisher.CHECK_SECONDS", 0)
    publishing = publisher(tmp_path)
    for _ in range(3):
        publishing.step()
    assert InferenceLog.objects.filter(pk=forked.id).count() == 1
    assert InferenceLog.objects.count() == 4
    assert not Disposition.objects.exists()


def test_a_segment_without_them_is_only_removed(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    publishing = publisher(tmp_path)
    append(writer, record())
    writer.close()
    publishing.step()
    write_messages(broker)
    publishing.step()
    assert InferenceLog.objects.count() == 1
    assert not Spool(tmp_path).segments()
