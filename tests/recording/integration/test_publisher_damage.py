"""The publisher with torn, damaged, unreadable and long journals, and with a failing disk."""

import errno
import json
import logging
import os
import time
import tracemalloc
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from common.number_set import between
from ml_proxy.models import InferenceLog
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Frame, Spool, Writer, segment
from recording.journal.segment import SegmentName
from recording.models import Origin
from recording.origins import Head
from recording.publisher import Publisher, segment_reader
from recording.publisher.heads import DAMAGED_NAMES, Heads
from recording.publisher.heads import FILE_NAME as HEADS
from recording.publisher.heads import read as read_heads
from recording.publisher.publisher import MAX_UNCONFIRMED
from recording.publisher.segment_reader import BATCH_BYTES
from recording.seals import keyring
from tests.support.record_pipeline import append, publisher, record, write_messages

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def journal(tmp_path: Path, settings: Settings) -> Path:
    """A journal in the folder that the commands read."""
    settings.VAR_DIR = tmp_path
    return tmp_path / "journal"


def make_writer(folder: Path, segment_bytes: int = 2**20) -> Writer:
    return Writer(folder, new_origin=uuid4, key=keyring().current, max_bytes=2**40, segment_bytes=segment_bytes)


def write(folder: Path, count: int, *, segment_bytes: int = 2**20) -> list[Path]:
    """Writes one closed origin and returns its segments."""
    writer = make_writer(folder, segment_bytes)
    before = set(Spool(folder).segments())
    for _ in range(count):
        append(writer, record())
    writer.close()
    return [folder / str(name) for name in Spool(folder).segments() if name not in before]


def frames(path: Path) -> list[Frame]:
    """One for each record: they were appended one after the other."""
    return list(segment.frames(path, 0, 2**40))


def flip_bit(path: Path, position: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.write_bytes(raw)


def drain(publishing: Publisher, broker: redis.Redis, *, rounds: int = 50) -> None:
    for _ in range(rounds):
        publishing.step()
        write_messages(broker)
        if not publishing.is_waiting:
            break
    publishing.step()


def verify() -> list[str]:
    out = StringIO()
    try:
        call_command("verify_log", stdout=out)
    except CommandError:
        return out.getvalue().strip().splitlines()
    return []


def numbers(path: Path) -> list[int | None]:
    origin = UUID(path.name[:32])
    return list(InferenceLog.objects.filter(origin=origin).order_by("sequence").values_list("sequence", flat=True))


@pytest.mark.parametrize("left", [1, 50, 200])
def test_it_removes_a_torn_end_silently(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, left: int
) -> None:
    [path] = write(journal, 3)
    last = frames(path)[-1]
    os.truncate(path, last.start + left)
    drain(publisher(journal), broker)
    assert numbers(path) == [1, 2]
    assert not list(journal.glob("*-*"))
    assert verify() == []
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]


@pytest.mark.parametrize("lost", [1, 3])
def test_it_publishes_entries_after_damage_and_reports_the_lost_numbers(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, lost: int
) -> None:
    [path] = write(journal, 5)
    flip_bit(path, frames(path)[lost - 1].end - 1)
    drain(publisher(journal), broker)
    origin = UUID(path.name[:32])
    assert numbers(path) == [number for number in range(1, 6) if number != lost]
    assert verify() == [f"missing: number {lost} of origin {origin}: neither row nor disposition nor journal"]
    assert [kept.name for kept in journal.glob("*-*")] == [f"{path.stem}.damaged"]
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert line.endswith(f"numbers {lost}-{lost} are lost")


def test_a_damaged_number_does_not_count_as_waiting(journal: Path) -> None:
    [path] = write(journal, 5)
    flip_bit(path, frames(path)[2].end - 1)
    name = SegmentName.of(path)
    assert name is not None
    write_batch(Batch.of(UUID(name.origin), "host", name.key_id, frames(path)[-1].entries))
    [line] = verify()
    assert line.startswith("missing: number 3 of")


def test_it_reads_the_next_segment_after_a_torn_one(journal: Path, broker: redis.Redis) -> None:
    first, *later = write(journal, 60, segment_bytes=4096)
    ends = frames(first)
    os.truncate(first, ends[-1].start + 30)
    drain(publisher(journal), broker)
    assert later
    assert numbers(first) == [number for number in range(1, 61) if number != ends[-1].last]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path.unlink(), path.mkdir()),  # EISDIR
        lambda path: (path.unlink(), path.symlink_to(path)),  # ELOOP
        lambda path: (path.unlink(), path.symlink_to("/proc/self/mem")),  # EIO
    ],
)
def test_an_unreadable_segment_does_not_stop_the_others(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    [damaged], [intact] = write(journal, 2), write(journal, 3)
    damage(damaged)
    drain(publisher(journal), broker)
    assert numbers(intact) == [1, 2, 3]
    assert [path.name for path in journal.glob("*-*")] == [damaged.name]
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert line.startswith(f"{damaged.name} can't be read")


@pytest.fixture
def failing_block(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes the disk fail to read the third block of each file, or not any more."""
    pread, bad = os.pread, 2 * segment.BLOCK_BYTES
    is_failing = False

    def read(descriptor: int, length: int, offset: int) -> bytes:
        if is_failing and offset <= bad < offset + length:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, length, offset)

    def switch(on: bool) -> None:
        nonlocal is_failing
        is_failing = on

    monkeypatch.setattr(os, "pread", read)
    return switch


def test_a_disk_error_that_passes_loses_nothing(
    journal: Path, broker: redis.Redis, failing_block: Callable[[bool], None]
) -> None:
    [path] = write(journal, 30)
    publishing = publisher(journal)
    failing_block(True)
    drain(publishing, broker, rounds=5)
    before = numbers(path)
    assert 0 < len(before) < 30
    failing_block(False)
    drain(publishing, broker)
    assert numbers(path) == list(range(1, 31))
    assert not list(journal.glob("*.damaged"))
    assert verify() == []


def test_each_disk_error_has_its_own_time_to_pass(
    journal: Path, broker: redis.Redis, failing_block: Callable[[bool], None]
) -> None:
    writer = make_writer(journal)  # still open, so a reader also looks at the space that was preallocated
    for _ in range(5):
        append(writer, record())
    publishing = publisher(journal)
    failing_block(True)
    drain(publishing, broker, rounds=3)
    (reader,) = publishing._readers.values()
    assert reader.error_since > 0
    failing_block(False)
    publishing.step()
    assert reader.error_since == 0
    writer.close()


def test_a_disk_error_that_stays_loses_only_what_the_disk_lost(
    journal: Path, broker: redis.Redis, failing_block: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_reader, "DISK_ERROR_SECONDS", 0.0)
    [path] = write(journal, 30)
    failing_block(True)
    drain(publisher(journal), broker)
    kept = numbers(path)
    assert (kept[0], kept[-1]) == (1, 30)
    assert 15 < len(kept) < 30
    assert list(journal.glob("*.damaged"))


def test_a_disk_error_under_a_large_record_that_passes_loses_nothing(
    journal: Path, broker: redis.Redis, failing_block: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make_writer(journal)
    append(writer, record(output_data="x" * (segment_reader.LARGE_BYTES + 1)))
    writer.close()
    [path] = [journal / str(name) for name in Spool(journal).segments()]
    publishing = publisher(journal)
    noted = publishing._send_large
    monkeypatch.setattr(publishing, "_send_large", lambda: None)
    publishing.step()  # notes it
    failing_block(True)
    noted()
    failing_block(False)
    monkeypatch.undo()
    (large,) = publishing._large
    large.due_at = 0.0
    drain(publishing, broker)
    assert numbers(path) == [1]
    assert not list(journal.glob("*.damaged"))


def test_an_unknown_key_does_not_stop_the_other_segments(
    journal: Path, broker: redis.Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = [write(journal, 1)[0] for _ in range(MAX_UNCONFIRMED + 1)]
    old, settings.SEAL_KEY = settings.SEAL_KEY, "another key of more than thirty-two characters"
    [intact] = write(journal, 3)
    drain(publisher(journal), broker)
    assert numbers(intact) == [1, 2, 3]
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert "add the old key to SEAL_KEY_FALLBACKS" in line
    settings.SEAL_KEY_FALLBACKS = [old]
    drain(publisher(journal), broker)
    assert [numbers(path) for path in sealed] == [[1]] * len(sealed)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}', '{"00000000-0000-0000-0000-000000000001": null}'])
def test_it_replaces_damaged_heads_by_those_of_the_database(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    [settled] = write(journal, 2)
    drain(publisher(journal), broker)
    (journal / HEADS).write_text(text)
    with pytest.raises(CommandError, match=r"heads.json can't be read"):
        call_command("reconcile")
    [path] = write(journal, 3)
    drain(publisher(journal), broker)
    assert numbers(path) == [1, 2, 3]
    assert [line.levelname for line in caplog.records if "is renamed to" in line.getMessage()] == ["ERROR"]
    [line] = verify()
    assert line.startswith(f"unreadable: {DAMAGED_NAMES[HEADS]}")
    assert {origin.hex for origin in read_heads(journal)} == {settled.name[:32], path.name[:32]}


def test_it_keeps_heads_that_the_disk_could_not_read(
    journal: Path, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk error may pass: the file is as good as before, and holds what nothing else does."""
    [gone] = write(journal, 2)
    drain(publisher(journal), broker)
    Origin.objects.all().delete()
    InferenceLog.objects.all().delete()
    before, read_text = (journal / HEADS).read_bytes(), Path.read_text

    def failing_read(path: Path) -> str:
        if path.name == HEADS:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_text(path)

    with monkeypatch.context() as failing:
        failing.setattr(Path, "read_text", failing_read)
        restarted = publisher(journal)
        [path] = write(journal, 3)
        drain(restarted, broker)
        assert numbers(path) == [1, 2, 3]
        restarted.save_progress()
    assert (journal / HEADS).read_bytes() == before
    restarted._save_at = 0
    restarted.step()
    assert {origin.hex for origin in read_heads(journal)} == {gone.name[:32], path.name[:32]}
    [line] = verify()
    assert line.endswith("the whole origin, which this host or a kept copy knows")
    assert not (journal / DAMAGED_NAMES[HEADS]).exists()


@pytest.mark.parametrize("command", ["verify_log", "reconcile"])
def test_the_commands_report_an_unreadable_segment(journal: Path, command: str) -> None:
    [path] = write(journal, 2)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # EIO
    with pytest.raises(CommandError, match=rf"{path.name} in the journal can't be read") as caught:
        call_command(command)
    assert caught.value.returncode == 1


def test_it_publishes_even_if_it_cannot_save_its_progress(journal: Path, broker: redis.Redis) -> None:
    [path] = write(journal, 3)
    (journal / HEADS).with_suffix(".draft").mkdir()
    drain(publisher(journal), broker)
    assert numbers(path) == [1, 2, 3]
    assert not path.exists()


def test_its_memory_does_not_grow_with_the_backlog(journal: Path, broker: redis.Redis) -> None:
    writer = make_writer(journal, segment_bytes=2 * BATCH_BYTES)
    item = record(input_data='{"x":"' + "y" * BATCH_BYTES + '"}')
    for _ in range(4 * MAX_UNCONFIRMED):
        append(writer, item)
    writer.close()
    assert len(Spool(journal).segments()) > 20
    publishing = publisher(journal)
    tracemalloc.start()
    for _ in range(MAX_UNCONFIRMED):  # large records take about a second of a step
        publishing.step()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert MAX_UNCONFIRMED - 1 <= broker.llen("logs") <= MAX_UNCONFIRMED
    assert held < 1.5 * MAX_UNCONFIRMED * BATCH_BYTES


def test_it_limits_the_unconfirmed_bytes(journal: Path, broker: redis.Redis) -> None:
    writer = make_writer(journal)
    item = record(input_data='{"x":"' + "y" * 8 * BATCH_BYTES + '"}')
    for _ in range(5):
        append(writer, item)
    publishing = publisher(journal)
    for _ in range(5):
        publishing.step()
    assert broker.llen("logs") == 2


def test_it_makes_few_queries_for_many_settled_numbers(journal: Path, broker: redis.Redis) -> None:
    """An origin with 2,000 numbers that were settled before a restart, and one more record."""
    [path] = write(journal, 2001)
    origin, key = UUID(path.name[:32]), keyring().current
    head = Head(origin, "host", key.id, between(1, 2000), 0, ended=False, is_genuine=True)
    Origin.objects.create(id=origin, host="host", key_id=key.id, settled="", seal=b"")
    head.save()
    publishing = publisher(journal)
    with CaptureQueriesContext(connection) as captured:
        publishing.step()
    assert broker.llen("logs") == 1
    assert len(captured) <= 4
    with CaptureQueriesContext(connection) as captured:
        publishing.step()
    assert len(captured) == 1


def test_it_saves_ten_thousand_heads_quickly(journal: Path) -> None:
    journal.mkdir(parents=True)
    heads, key = Heads(journal), keyring().current.id
    heads.merge(Head(uuid4(), "host", key, between(1, 1), 0, ended=False, is_genuine=True) for _ in range(10_000))
    started = time.process_time()
    heads.save()
    assert time.process_time() - started < 1  # CPU seconds; it takes about 0.05
    assert len(json.loads((journal / HEADS).read_text())) == 10_000
    assert len(read_heads(journal)) == 10_000
