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
from recording.publisher import Publisher
from recording.seals import keyring
from tests.support.record_pipeline import append, publisher, record, write_messages

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


Forked = list[InferenceRecord]


@pytest.fixture(params=[1, 2, 3])
def forked(tmp_path: Path, writer: Writer, broker: redis.Redis, request: pytest.FixtureRequest) -> Forked:
    """Records that have the numbers from 2 on in the journal; in the log, 2 and 3 are other records."""
    publishing, again = publisher(tmp_path), [record() for _ in range(request.param)]
    for _ in range(3):
        append(writer, record())
    [name] = Spool(tmp_path).segments()
    first, *_ = Spool(tmp_path).frames(name)
    writer.close()
    publishing.step()
    write_messages(broker)
    assert InferenceLog.objects.count() == 3
    kept = (tmp_path / str(name)).read_bytes()[: first.end]
    frames = (segment.pack(name, [entry]) for entry in sealed(name, first, again))
    (tmp_path / str(name)).write_bytes(kept + b"".join(frames))
    return again


def sealed(name: SegmentName, first: Frame, records: Forked) -> Iterator[Entry]:
    """The records, numbered and sealed after the first frame."""
    key, seal = keyring().find(name.key_id), first.entries[-1].seal
    for sequence, item in enumerate(records, start=2):
        digest = key.digest(item.content())
        seal = key.seal(seal, UUID(name.origin), sequence, digest)
        yield Entry(sequence, digest, seal, item.encode())


def publish(publishing: Publisher, broker: redis.Redis) -> None:
    for _ in range(2):
        publishing.step()
        write_messages(broker)
    publishing.step()


@pytest.fixture
def held(tmp_path: Path, forked: Forked) -> Iterator[None]:
    """The gateway still writes to the segment."""
    [name] = Spool(tmp_path).segments()
    descriptor = os.open(tmp_path / str(name), os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def findings(journal: Path) -> list[str]:
    return [str(finding) for step in verification.verify(journal) for finding in step.findings]


def test_its_records_become_rows_before_the_segment_is_removed(
    tmp_path: Path, broker: redis.Redis, forked: Forked
) -> None:
    publish(publisher(tmp_path), broker)
    assert InferenceLog.objects.count() == 3 + len(forked)
    assert InferenceLog.objects.filter(pk__in=[each.id for each in forked]).count() == len(forked)
    assert not Spool(tmp_path).segments()
    # Number 4 does not follow from row 3, and `verify_log` goes on to say so.
    assert ["changed" in finding for finding in findings(tmp_path)] == [True] * (len(forked) > 2)


@pytest.mark.usefixtures("held")
def test_they_do_not_wait_for_the_end_of_the_segment(
    tmp_path: Path, broker: redis.Redis, forked: Forked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recording.publisher.publisher.CHECK_SECONDS", 0)
    publish(publisher(tmp_path), broker)
    assert InferenceLog.objects.filter(pk__in=[each.id for each in forked]).count() == len(forked)
    assert InferenceLog.objects.count() == 3 + len(forked)
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
