"""`manage.py verify_log`: what it finds, and that it finds nothing in a log that is whole."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from common.ids import uuid7
from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording import verification
from recording.batches import Batch
from recording.direct_writes import DirectOrigin
from recording.ingestion import write_batch
from recording.journal import Entry, Spool, Writer
from recording.models import Disposition, Origin
from recording.publisher import journal_folder
from recording.publisher.heads import Heads, end_origin
from recording.seals import keyring
from tests.support.plans import costs_of, statements_of

pytestmark = pytest.mark.django_db


def record(**changes: Any) -> InferenceRecord:
    texts = {"input_data": '{"x":"\\u0000"}', "output_data": "[1e999]", "model_name": "m", "model_version": "1"}
    people = {"doctor_name": "Dr. Synthetic", "patient_name": "김민준", "request_id": "r", "caller": ""}
    fresh: dict[str, Any] = {"id": uuid7(), "predicted_at": datetime.now(UTC), "latency_ms": 1.5}
    return InferenceRecord(**{**fresh, **texts, **people, **changes})


@pytest.fixture
def journal(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return journal_folder()


@pytest.fixture
def writer(journal: Path) -> Iterator[Writer]:
    made = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    yield made
    made.close()


def settle(journal: Path, *, sizes: tuple[int, ...] = (2, 1, 3), forget: bool = True) -> UUID:
    """Writes all that the journal holds, as batches of these sizes, the last first; then lets the journal go."""
    [name] = Spool(journal).segments()
    entries = list(Spool(journal).read(name, 0, 2**40))
    batches: list[list[Entry]] = []
    for size in sizes:
        batches.append(entries[:size])
        entries = entries[size:]
    for batch in reversed(batches):
        write_batch(Batch.of(UUID(name.origin), "host", name.key_id, batch))
    if forget:
        (journal / str(name)).unlink()
    return UUID(name.origin)


@pytest.fixture
def origin(writer: Writer, journal: Path) -> UUID:
    """An origin of six rows."""
    for _ in range(6):
        item = record()
        writer.append(item.encode(), item.content())
    return settle(journal)


def verify() -> list[str]:
    """What the command says: a verdict, or findings."""
    out = StringIO()
    try:
        call_command("verify_log", stdout=out)
    except CommandError as exc:
        return out.getvalue().strip().splitlines() if exc.returncode == 1 else [str(exc)]
    return []


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("LOG", "ml_proxy_inferencelog"), values)
        assert cursor.rowcount == 1


def db(value: UUID) -> Any:
    return InferenceLog._meta.pk.get_db_prep_value(value, connection)


def test_it_finds_nothing_in_a_whole_log(origin: UUID, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify() == []
    call_command("verify_log")
    assert "6 records, each in its place and as it was written; the journal holds 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("doctor_name", "Dr. Other"),
        ("patient_name", "김민순"),
        ("input_data", '{"x":"\\u0001"}'),
        ("output_data", "[1e998]"),
        ("latency_ms", 1.5000000000000002),
        ("model_name", "n"),
        ("model_version", "2"),
        ("request_id", "s"),
        ("caller", "x"),
        ("payload_bytes", 1),
        ("predicted_at", "2026-01-01 00:00:00"),
        ("created_at", "2026-01-01 00:00:00"),
        ("seal", b"x" * 32),
        ("row_seal", b"x" * 32),
    ],
)
def test_it_names_a_row_in_which_anything_was_changed(origin: UUID, column: str, value: object) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    sql(f"UPDATE LOG SET {column} = %s WHERE id = %s", value, db(row.id))  # noqa: S608 - columns of this test
    found = verify()
    assert f"changed: number 3 of origin {origin}: row {row.id}" in found


@pytest.mark.parametrize("sequence", [1, 3, 6])
def test_it_names_a_deleted_row_the_newest_too(origin: UUID, sequence: int) -> None:
    sql("DELETE FROM LOG WHERE origin = %s AND sequence = %s", db(origin), sequence)
    assert verify() == [
        f"missing: number {sequence} of origin {origin}: neither row nor disposition nor journal",
    ]


def test_it_finds_an_origin_that_was_deleted_whole(origin: UUID, journal: Path) -> None:
    heads = Heads(journal)
    heads.raise_to(origin, 6)
    heads.save()
    assert verify() == []
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    assert any(f"missing: number 1-6 of origin {origin}" in line for line in verify())


def test_it_finds_newest_rows_deleted_together_with_their_head(origin: UUID, journal: Path) -> None:
    heads = Heads(journal)
    heads.raise_to(origin, 6)
    heads.save()
    InferenceLog.objects.filter(sequence__gt=4).delete()
    Origin.objects.update(highest=4, seal=keyring().current.head(origin, "host", 4, ended=False))
    assert verify() == [f"missing: number 5-6 of origin {origin}: neither row nor disposition nor journal"]


def test_it_finds_a_head_that_was_lowered(origin: UUID) -> None:
    InferenceLog.objects.filter(sequence__gt=4).delete()
    Origin.objects.update(highest=4)
    assert f"changed: number 4 of origin {origin}: the origin's head" in verify()


@pytest.mark.parametrize("where", ["unknown origin", "next number", "far number"])
def test_it_names_a_row_that_was_inserted(origin: UUID, where: str) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=6)
    row.pk = uuid7()
    row.origin = uuid4() if where == "unknown origin" else origin
    row.sequence = {"unknown origin": 1, "next number": 7, "far number": 10**9}[where]
    row.save(force_insert=True)
    [line] = verify()
    assert line.startswith(f"foreign: number {row.sequence} of origin {row.origin}")


def test_it_finds_rows_that_were_swapped(origin: UUID) -> None:
    first, second = InferenceLog.objects.filter(origin=origin, sequence__in=(2, 4)).order_by("sequence")
    InferenceLog.objects.filter(pk=first.pk).update(sequence=100)
    InferenceLog.objects.filter(pk=second.pk).update(sequence=2)
    InferenceLog.objects.filter(pk=first.pk).update(sequence=4)
    assert len(verify()) >= 2


def test_it_knows_what_is_on_its_way(writer: Writer, journal: Path) -> None:
    for _ in range(6):
        item = record()
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    entries = list(Spool(journal).read(name, 0, 2**40))
    write_batch(Batch.of(UUID(name.origin), "host", name.key_id, entries[4:]))
    assert verify() == []
    (journal / str(name)).unlink()
    assert verify() == [f"missing: number 1-4 of origin {UUID(name.origin)}: neither row nor disposition nor journal"]


def test_it_accepts_quarantine_repeats_and_what_was_written_directly(writer: Writer, journal: Path) -> None:
    item = record()
    for _ in range(2):
        writer.append(item.encode(), item.content())
    writer.append(b"no record", b"")
    settle(journal, sizes=(3,))
    direct = DirectOrigin(keyring().current)
    for _ in range(3):
        direct.write([record()])
    assert verify() == []
    assert sorted(Disposition.objects.values_list("kind", flat=True)) == ["quarantined", "repeated"]


def test_it_names_a_remnant_that_was_put_in_a_rows_place(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    Disposition.objects.create(
        origin=origin, sequence=3, kind="erased", digest=b"d" * 32, seal=row.seal, disposition_seal=b"x" * 32
    )
    row.delete()
    assert verify() == [f"changed: number 3 of origin {origin}: erased record"]


def test_it_goes_on_after_a_restart_and_after_the_end(origin: UUID, make_whole: Callable[[], UUID]) -> None:
    end_origin(origin)
    make_whole()
    assert verify() == []
    assert Origin.objects.get(pk=origin).ended


@pytest.fixture
def make_whole(journal: Path) -> Callable[[], UUID]:
    """Another origin of six rows."""

    def make() -> UUID:
        writer = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
        for _ in range(6):
            item = record()
            writer.append(item.encode(), item.content())
        writer.close()
        return settle(journal)

    return make


def test_it_verifies_under_a_key_that_was_rotated(
    origin: UUID, make_whole: Callable[[], UUID], settings: Settings
) -> None:
    old, settings.SEAL_KEY = settings.SEAL_KEY, "another key of more than thirty-two characters"
    assert [line.split(":")[0] for line in verify()] == ["unreadable"]
    settings.SEAL_KEY_FALLBACKS = [old]
    make_whole()
    assert verify() == []


def test_it_accepts_tombstones_and_a_late_message_brings_nothing_back(
    writer: Writer, journal: Path, settings: Settings
) -> None:
    for name in ("A", "B", "A"):
        item = record(patient_name=name)
        writer.append(item.encode(), item.content())
    [segment] = Spool(journal).segments()
    entries = list(Spool(journal).read(segment, 0, 2**40))
    batch = Batch.of(UUID(segment.origin), "host", segment.key_id, entries)
    write_batch(batch)
    out = StringIO()
    call_command("erase", patient="A", reason="asked for", stdout=out)
    assert "2 rows match. Nothing was erased" in out.getvalue()
    call_command("erase", patient="A", reason="asked for", yes=True, stdout=out)
    write_batch(batch)
    assert list(InferenceLog.objects.values_list("patient_name", flat=True)) == ["B"]
    assert verify() == []
    tombstones = Disposition.objects.filter(kind="erased")
    assert [(stone.sequence, bytes(stone.payload)) for stone in tombstones.order_by("sequence")] == [(1, b""), (3, b"")]


def test_it_accounts_for_every_number(writer: Writer, journal: Path, origin: UUID) -> None:
    def figures() -> dict[str, float]:
        out = StringIO()
        call_command("reconcile", stdout=out)
        return {line[:24].strip(): float(line[24:]) for line in out.getvalue().splitlines()}

    assert figures() | {"oldest waiting seconds": 0} == {
        "answered": 6, "written": 6, "waiting": 0, "quarantined": 0, "erased": 0, "repeated": 0,
        "oldest waiting seconds": 0, "missing": 0,
    }  # fmt: skip
    other = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    for _ in range(4):
        item = record()
        other.append(item.encode(), item.content())
    other.close()
    found = figures()
    assert (found["answered"], found["waiting"], found["missing"]) == (10, 4, 0)
    assert found["oldest waiting seconds"] >= 0
    settle(journal, sizes=(4,), forget=False)
    found = figures()
    assert (found["answered"], found["written"], found["waiting"]) == (10, 10, 0)
    InferenceLog.objects.filter(sequence=2, origin=origin).delete()
    with pytest.raises(CommandError, match="1 numbers are missing"):
        figures()


def test_it_reads_an_origin_in_pieces_however_long_it_is(
    writer: Writer, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "AT_ONCE", 4)
    for _ in range(50):
        item = record()
        writer.append(item.encode(), item.content())
    origin = settle(journal, sizes=(50,))
    assert verify() == []
    asked = statements_of(verify, InferenceLog._meta.db_table)
    walk = [sql for sql in asked if '"payload_bytes"' in sql and "IS NULL" not in sql]
    assert len(walk) >= 50 / 4
    assert [sql for sql in walk if "LIMIT 4" not in sql] == []
    if connection.vendor == "postgresql":  # which may as well read so small a table in other ways
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")
    costs = costs_of(verify, InferenceLog._meta.db_table)
    assert max(cost.rows for cost in costs) <= 20, costs
    doubled = InferenceLog.objects.get(origin=origin, sequence=4)  # the last of a piece
    doubled.pk = uuid7()
    doubled.save(force_insert=True)
    InferenceLog.objects.filter(origin=origin, sequence=9).update(sequence=None)
    found = {line.partition(" of origin")[0] for line in verify() if line}
    assert found == {"foreign: number 4", "foreign: number 0", "missing: number 9"}
