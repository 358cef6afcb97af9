"""The publisher on journals that are torn, damaged, unreadable, long, or on a full disk."""

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

from ml_proxy.models import InferenceLog
from recording.journal import Entry, Spool, Writer
from recording.models import Receipt
from recording.publisher import Publisher
from recording.publisher.core import MAX_UNCONFIRMED
from recording.publisher.heads import DAMAGED_NAME as DAMAGED
from recording.publisher.heads import FILE_NAME as HEADS
from recording.publisher.heads import Heads
from recording.publisher.heads import read as read_heads
from recording.publisher.tail import BATCH_BYTES
from recording.seals import keyring
from tests.support.publishing import append, publisher, record, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def journal(tmp_path: Path, settings: Settings) -> Path:
    """A journal where the commands look for it."""
    settings.VAR_DIR = tmp_path
    return tmp_path / "journal"


def make_writer(folder: Path, segment_bytes: int = 2**20) -> Writer:
    return Writer(folder, new_origin=uuid4, key=keyring().current, max_bytes=2**40, segment_bytes=segment_bytes)


def write(folder: Path, count: int, *, segment_bytes: int = 2**20) -> list[Path]:
    """One origin's segments, that nobody writes to any more."""
    writer = make_writer(folder, segment_bytes)
    before = set(Spool(folder).segments())
    for _ in range(count):
        append(writer, record())
    writer.close()
    return [folder / str(name) for name in Spool(folder).segments() if name not in before]


def entries(path: Path) -> list[Entry]:
    [name] = [name for name in Spool(path.parent).segments() if str(name) == path.name]
    return list(Spool(path.parent).read(name, 0, 2**40))


def change_byte(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)


def drain(publishing: Publisher, broker: redis.Redis, *, rounds: int = 50) -> None:
    for _ in range(rounds):
        publishing.step()
        work(broker)
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
def test_it_lets_a_torn_end_go_in_silence(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, left: int
) -> None:
    [path] = write(journal, 3)
    last = entries(path)[-1]
    os.truncate(path, last.start + left)
    drain(publisher(journal), broker)
    assert numbers(path) == [1, 2]
    assert not list(journal.glob("*-*"))
    assert verify() == []
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]


@pytest.mark.parametrize("lost", [1, 3])
def test_it_publishes_what_is_behind_damage_keeps_the_file_and_names_the_number(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, lost: int
) -> None:
    [path] = write(journal, 5)
    change_byte(path, entries(path)[lost - 1].end - 1)
    drain(publisher(journal), broker)
    origin = UUID(path.name[:32])
    assert numbers(path) == [number for number in range(1, 6) if number != lost]
    assert verify() == [f"missing: number {lost} of origin {origin}: neither row nor disposition nor journal"]
    assert [kept.name for kept in journal.glob("*-*")] == [f"{path.stem}.damaged"]
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert line.endswith(f"numbers {lost}-{lost} are lost")


def test_it_does_not_take_a_damaged_number_for_one_on_its_way(journal: Path) -> None:
    [path] = write(journal, 5)
    change_byte(path, entries(path)[2].end - 1)
    heads = Heads(journal)
    heads.raise_to(UUID(path.name[:32]), 5)
    heads.save()
    assert any(line.startswith("missing: number 3 of") for line in verify())


def test_it_reads_a_later_segment_whatever_ends_the_one_before(journal: Path, broker: redis.Redis) -> None:
    first, *later = write(journal, 60, segment_bytes=4096)
    ends = entries(first)
    os.truncate(first, ends[-1].start + 30)
    drain(publisher(journal), broker)
    assert later
    assert numbers(first) == [number for number in range(1, 61) if number != ends[-1].sequence]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path.unlink(), path.mkdir()),  # EISDIR
        lambda path: (path.unlink(), path.symlink_to(path)),  # ELOOP
        lambda path: (path.unlink(), path.symlink_to("/proc/self/mem")),  # EIO
    ],
)
def test_it_goes_on_with_the_others_where_a_segment_cannot_be_read(
    journal: Path, broker: redis.Redis, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object]
) -> None:
    [ill], [well] = write(journal, 2), write(journal, 3)
    spoil(ill)
    drain(publisher(journal), broker)
    assert numbers(well) == [1, 2, 3]
    assert [path.name for path in journal.glob("*-*")] == [ill.name]
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert line.startswith(f"{ill.name} can't be read")


def test_it_lets_the_others_leave_where_a_key_is_not_at_hand(
    journal: Path, broker: redis.Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = [write(journal, 1)[0] for _ in range(MAX_UNCONFIRMED + 1)]
    old, settings.SEAL_KEY = settings.SEAL_KEY, "another key of more than thirty-two characters"
    [well] = write(journal, 3)
    drain(publisher(journal), broker)
    assert numbers(well) == [1, 2, 3]
    [line] = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert "put the old one into SEAL_KEY_FALLBACKS" in line
    settings.SEAL_KEY_FALLBACKS = [old]
    drain(publisher(journal), broker)
    assert [numbers(path) for path in sealed] == [[1]] * len(sealed)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}', '{"00000000-0000-0000-0000-000000000001": null}'])
def test_it_keeps_the_databases_heads_where_its_own_are_damaged(
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
    assert [line.levelname for line in caplog.records if "set aside" in line.getMessage()] == ["ERROR"]
    [line] = verify()
    assert line.startswith(f"unreadable: {DAMAGED}")
    assert {origin.hex for origin in read_heads(journal)} == {settled.name[:32], path.name[:32]}


@pytest.mark.parametrize("command", ["verify_log", "reconcile"])
def test_its_commands_name_a_segment_that_cannot_be_read(journal: Path, command: str) -> None:
    [path] = write(journal, 2)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # EIO
    with pytest.raises(CommandError, match=rf"{path.name} in the journal can't be read") as caught:
        call_command(command)
    assert caught.value.returncode == 1


def test_it_lets_records_leave_a_disk_that_takes_no_notes(journal: Path, broker: redis.Redis) -> None:
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
    publishing.step()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert MAX_UNCONFIRMED - 1 <= broker.llen("logs") <= MAX_UNCONFIRMED
    assert held < 1.5 * MAX_UNCONFIRMED * BATCH_BYTES


def test_it_holds_few_large_records_at_a_time(journal: Path, broker: redis.Redis) -> None:
    writer = make_writer(journal)
    item = record(input_data='{"x":"' + "y" * 8 * BATCH_BYTES + '"}')
    for _ in range(5):
        append(writer, item)
    publisher(journal).step()
    assert broker.llen("logs") == 2


def test_it_asks_little_of_many_receipts(journal: Path, broker: redis.Redis) -> None:
    """An origin of single-record batches that an earlier publisher got confirmed, and one more record."""
    [path] = write(journal, 2001)
    origin = UUID(path.name[:32])
    Receipt.objects.bulk_create(Receipt(origin=origin, first=number, last=number) for number in range(1, 2001))
    publishing = publisher(journal)
    with CaptureQueriesContext(connection) as captured:
        publishing.step()
    assert broker.llen("logs") == 1
    assert len(captured) <= 4
    with CaptureQueriesContext(connection) as captured:
        publishing.step()
    [query] = [query["sql"] for query in captured.captured_queries]
    assert " BETWEEN 2001 AND 2001" in query


def test_it_keeps_ten_thousand_heads_in_a_moment(journal: Path) -> None:
    journal.mkdir(parents=True)
    heads = Heads(journal)
    for _ in range(10_000):
        heads.raise_to(uuid4(), 1)
    started = time.process_time()
    heads.save()
    assert time.process_time() - started < 1  # of processor time; it takes about 0.01
    assert len(json.loads((journal / HEADS).read_text())) == 10_000
    assert len(Heads(journal)._highest) == 10_000
