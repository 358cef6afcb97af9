"""A fail-over to a standby that lacks the last commits, after the publisher had read them as confirmed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from ml_proxy.models import InferenceLog
from recording import verification
from recording.journal import Spool, Writer
from recording.journal.segment import blank
from recording.models import Origin
from recording.publisher import Publisher
from tests.support.record_pipeline import append, publisher, record, write_messages

pytestmark = pytest.mark.django_db

Confirm = Callable[[int], None]


@pytest.fixture
def publishing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """It saves each head that it sees."""
    monkeypatch.setattr("recording.publisher.publisher.SAVE_SECONDS", 0)
    return publisher(tmp_path)


@pytest.fixture
def confirm(writer: Writer, broker: redis.Redis, publishing: Publisher) -> Confirm:
    """Appends so many records, whose rows the publisher then sees."""

    def append_and_write(records: int) -> None:
        for _ in range(records):
            append(writer, record())
        publishing.step()
        write_messages(broker)
        publishing.step()
        assert not publishing.is_waiting

    return append_and_write


def fail_over(to: Origin) -> None:
    """What a standby has that did not receive what came after this head."""
    last = int(to.settled.rpartition("-")[2])
    InferenceLog.objects.filter(origin=to.id, sequence__gt=last).delete()
    to.save(force_update=True)


def findings(journal: Path) -> list[str]:
    return [str(finding) for step in verification.verify(journal) for finding in step.findings]


def test_lost_rows_are_written_again_before_their_segment_is_removed(
    tmp_path: Path, writer: Writer, broker: redis.Redis, publishing: Publisher, confirm: Confirm
) -> None:
    confirm(2)
    received = Origin.objects.get()
    confirm(3)
    fail_over(received)
    writer.close()
    publishing.step()
    assert len(Spool(tmp_path).segments()) == 1
    publishing.step()
    write_messages(broker)
    publishing.step()
    assert InferenceLog.objects.count() == 5
    assert not Spool(tmp_path).segments()
    assert findings(tmp_path) == []


def test_lost_rows_of_an_open_segment_are_written_again(
    tmp_path: Path, broker: redis.Redis, publishing: Publisher, confirm: Confirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway with little to do keeps its segment open for days."""
    monkeypatch.setattr("recording.publisher.publisher.CHECK_SECONDS", 0)
    confirm(2)
    received = Origin.objects.get()
    confirm(3)
    fail_over(received)
    for _ in range(2):
        publishing.step()
    write_messages(broker)
    assert InferenceLog.objects.count() == 5
    assert findings(tmp_path) == []


def test_it_believes_rows_if_the_head_is_not_genuine(
    tmp_path: Path, writer: Writer, broker: redis.Redis, publishing: Publisher, confirm: Confirm
) -> None:
    confirm(2)
    Origin.objects.update(settled="1-1")
    InferenceLog.objects.filter(sequence=2).delete()
    writer.close()
    for _ in range(2):
        publishing.step()
    write_messages(broker)
    publishing.step()
    assert InferenceLog.objects.count() == 2
    assert not Spool(tmp_path).segments()


def test_a_segment_whose_lost_records_were_erased_is_removed(
    tmp_path: Path, writer: Writer, publishing: Publisher, confirm: Confirm
) -> None:
    """Nobody has these records any more, so waiting for them would never end."""
    confirm(1)
    received = Origin.objects.get()
    confirm(1)
    [name] = Spool(tmp_path).segments()
    *_, last = Spool(tmp_path).frames(name)
    blank(tmp_path / str(name), last)
    fail_over(received)
    writer.close()
    publishing.step()
    assert not Spool(tmp_path).segments()
    assert [line for line in findings(tmp_path) if "missing" in line]
