"""`manage.py verify_log`: its findings, and none in an intact log."""

import errno
import os
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

from common import keyset
from common.ids import uuid7
from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording import origins, restoration, verification
from recording.batches import Batch
from recording.direct_writes import DirectOrigins
from recording.erasure import erase, erase_quarantined
from recording.ingestion import write_batch
from recording.journal import Entry, Spool, Writer, segment
from recording.models import Disposition, Origin
from recording.publisher import heads, journal_folder
from recording.publisher.head_copies import HeadCopies
from recording.publisher.heads import Heads
from recording.remnants import Eraser
from recording.seals import START, Key, keyring
from tests.support.query_plans import query_costs, select_statements
from tests.support.wait import DEADLINE_SECONDS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


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


def settle(journal: Path, *, sizes: tuple[int, ...] = (2, 1, 3), remove: bool = True) -> UUID:
    """Writes the journal's entries as rows, in batches of these sizes, the last first; then removes the segment."""
    [name] = Spool(journal).segments()
    entries = list(Spool(journal).entries(name))
    batches: list[list[Entry]] = []
    for size in sizes:
        batches.append(entries[:size])
        entries = entries[size:]
    for batch in reversed(batches):
        write_batch(Batch.of(UUID(name.origin), "host", name.key_id, batch))
    if remove:
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
    """The findings that the command prints."""
    out = StringIO()
    try:
        call_command("verify_log", stdout=out)
    except CommandError as exc:
        return list(filter(None, out.getvalue().splitlines())) if exc.returncode == 1 else [str(exc)]
    return []


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("LOG", "ml_proxy_inferencelog"), values)
        assert cursor.rowcount == 1


def db(value: UUID) -> Any:
    return InferenceLog._meta.pk.get_db_prep_value(value, connection)


def test_it_finds_nothing_in_an_intact_log(origin: UUID, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify() == []
    call_command("verify_log")
    assert "6 records, all in place and unchanged; the journal holds 0." in capsys.readouterr().out


def test_it_finds_nothing_if_a_later_number_is_settled_first_meanwhile(
    writer: Writer, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers 1 and 2 came to the journal after it was read, and their message was lost, so that 3 has a row first."""

    def read_late(folder: Path) -> heads.SavedHeads:
        for _ in range(3):
            item = record()
            writer.append(item.encode(), item.content())
        [name] = Spool(folder).segments()
        write_batch(Batch.of(UUID(name.origin), "host", name.key_id, list(Spool(folder).entries(name))[2:]))
        return {}

    monkeypatch.setattr(heads, "read", read_late)
    assert [finding for step in verification.verify(journal) for finding in step.findings] == []
    assert InferenceLog.objects.count() == 1


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
def test_it_reports_a_changed_column(origin: UUID, column: str, value: object) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    sql(f"UPDATE LOG SET {column} = %s WHERE id = %s", value, db(row.id))  # noqa: S608 - columns of this test
    found = verify()
    assert f"changed: number 3 of origin {origin}: row {row.id}" in found


@pytest.mark.parametrize("sequence", [1, 3, 6])
def test_it_reports_a_deleted_row(origin: UUID, sequence: int) -> None:
    sql("DELETE FROM LOG WHERE origin = %s AND sequence = %s", db(origin), sequence)
    assert verify() == [
        f"missing: number {sequence} of origin {origin}: neither row nor disposition nor journal",
    ]


def save_heads(journal: Path) -> None:
    """As the publisher does each second."""
    heads = Heads(journal)
    heads.update()
    heads.save()


def test_it_reports_a_completely_deleted_origin(origin: UUID, journal: Path) -> None:
    save_heads(journal)
    assert verify() == []
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    assert any(f"missing: number 1-6 of origin {origin}" in line for line in verify())


def test_it_reports_rows_that_were_written_directly_and_deleted_with_their_origin(journal: Path) -> None:
    journal.mkdir(parents=True)
    DirectOrigins(keyring().current).write([record(), record()])
    save_heads(journal)
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    [line] = verify()
    assert line.startswith("missing: number 1-2 of origin")


def test_it_reports_newest_rows_deleted_together_with_their_head(origin: UUID, journal: Path) -> None:
    """By somebody who has the key."""
    save_heads(journal)
    InferenceLog.objects.filter(sequence__gt=4).delete()
    seal = keyring().current.head(origin, "host", "1-4", 0, ended=False)
    Origin.objects.update(settled="1-4", seal=seal)
    assert verify() == [
        f"changed: number 4 of origin {origin}: the origin's head: more numbers were settled before",
        f"missing: number 5-6 of origin {origin}: neither row nor disposition nor journal",
    ]


def test_it_goes_on_to_report_a_lowered_head_once_more_is_written(writer: Writer, journal: Path) -> None:
    """What seals a head looks at the seal that is there first; and what was saved is not forgotten."""
    for _ in range(7):
        item = record()
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    entries, origin = list(Spool(journal).entries(name)), UUID(name.origin)
    write_batch(Batch.of(origin, "host", name.key_id, entries[:6]))
    save_heads(journal)
    (journal / str(name)).unlink()
    InferenceLog.objects.filter(sequence__gt=4).delete()
    Origin.objects.update(settled="1-4")
    write_batch(Batch.of(origin, "host", name.key_id, entries[6:]))
    origins.end(origin)
    save_heads(journal)
    assert verify() == [
        f"changed: number 7 of origin {origin}: the origin's head",
        f"changed: number 7 of origin {origin}: the origin's head: more numbers were settled before",
        f"missing: number 5-6 of origin {origin}: neither row nor disposition nor journal",
    ]


def test_it_reports_a_lowered_head(origin: UUID) -> None:
    InferenceLog.objects.filter(sequence__gt=4).delete()
    Origin.objects.update(settled="1-4")
    assert f"changed: number 4 of origin {origin}: the origin's head" in verify()


def test_an_old_key_cannot_rewrite_what_a_newer_one_sealed(origin: UUID, journal: Path, settings: Settings) -> None:
    """Somebody has an old key, which still verifies, and writes the origin anew with it, without its last row."""
    save_heads(journal)
    settings.SEAL_KEY_FALLBACKS = ["an old key of more than thirty-two characters"]
    old, items = Key(settings.SEAL_KEY_FALLBACKS[0]), [record() for _ in range(5)]
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    forger = DirectOrigins(old)
    forger._free.append((origin, 1, START))
    forger.write(items)
    assert f"changed: number 5 of origin {origin}: the origin's head: it was sealed with another key before" in verify()
    save_heads(journal)
    assert f"changed: number 5 of origin {origin}: the origin's head: it was sealed with another key before" in verify()


def test_what_is_settled_must_be_a_row_even_if_the_journal_still_has_it(writer: Writer, journal: Path) -> None:
    """A publisher keeps a segment while it is open. So its rows can be deleted, and restored."""
    for _ in range(6):
        item = record()
        writer.append(item.encode(), item.content())
    origin = settle(journal, remove=False)
    InferenceLog.objects.filter(sequence__gt=4).delete()
    [line] = verify()
    assert line.startswith(f"missing: number 5-6 of origin {origin}: settled, but without row and disposition")
    assert line.endswith("the journal has it: run `manage.py restore`")
    out = StringIO()
    call_command("restore", stdout=out)
    assert out.getvalue() == "2 records were restored.\n"
    assert verify() == []
    call_command("restore", stdout=out)
    assert out.getvalue().endswith("\n0 records were restored.\n")


def test_restore_writes_batches_but_none_over_a_blanked_record(writer: Writer, journal: Path) -> None:
    """One transaction for each record could not catch up with a busy gateway."""
    for _ in range(6):
        item = record()
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    origin = UUID(name.origin)
    segment.blank(journal / str(name), list(segment.frames(journal / str(name), 0, segment.ALL))[3])
    assert list(restoration.restore(journal)) == [3, 2]
    [line] = verify()
    assert line.startswith(f"missing: number 4 of origin {origin}")
    assert list(restoration.restore(journal)) == [0, 0]


@pytest.mark.parametrize("limit", ["MAX_ENTRIES", "MAX_BYTES"])
def test_the_batches_of_restore_are_limited(
    writer: Writer, journal: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    items = [record() for _ in range(5)]
    for item in items:
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    sizes = [len(entry.payload) for entry in Spool(journal).entries(name)]
    monkeypatch.setattr(restoration, limit, 2 if limit == "MAX_ENTRIES" else 2 * max(sizes))
    assert list(restoration.restore(journal)) == [2, 2, 1]
    assert InferenceLog.objects.count() == 5


def test_a_copy_of_the_heads_shows_what_was_lost_with_the_host(origin: UUID, journal: Path, tmp_path: Path) -> None:
    save_heads(journal)
    copy = (journal / "heads.json").rename(tmp_path / "copy.json")
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    assert verify() == []  # nothing here knows
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_log", heads=[copy], stdout=out)
    assert f"missing: number 1-6 of origin {origin}" in out.getvalue()


def test_it_reports_a_changed_reason_or_time_of_a_tombstone(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    call_command("erase", patient=row.patient_name, before=datetime.now(UTC).isoformat(), reason="asked for", yes=True)
    assert verify() == []
    for changes in ({"reason": "none"}, {"created_at": datetime(2026, 1, 1, tzinfo=UTC)}):
        kept = Disposition.objects.get(sequence=3)
        Disposition.objects.filter(sequence=3).update(**changes)
        assert verify() == [f"changed: number 3 of origin {origin}: erased record"]
        kept.save()
        assert verify() == []


@pytest.mark.parametrize("kind", ["quarantined", "repeated"])
@pytest.mark.parametrize("changes", [{"reason": "none"}, {"created_at": datetime(2026, 1, 1, tzinfo=UTC)}])
def test_it_reports_a_changed_reason_or_time_of_another_disposition(
    writer: Writer, journal: Path, kind: str, changes: dict[str, Any]
) -> None:
    item = record()
    for _ in range(2):
        writer.append(item.encode(), item.content())
    writer.append(b"no record", b"")
    origin = settle(journal, sizes=(3,))
    assert verify() == []
    kept = Disposition.objects.get(kind=kind)
    Disposition.objects.filter(kind=kind).update(**changes)
    assert verify() == [f"changed: number {kept.sequence} of origin {origin}: {kind} record"]
    kept.save()
    assert verify() == []


@pytest.mark.parametrize("where", ["unknown origin", "next number", "far number"])
def test_it_reports_an_inserted_row(origin: UUID, where: str) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=6)
    row.pk = uuid7()
    row.origin = uuid4() if where == "unknown origin" else origin
    row.sequence = {"unknown origin": 1, "next number": 7, "far number": 10**9}[where]
    row.save(force_insert=True)
    [line] = verify()
    assert line.startswith(f"foreign: number {row.sequence} of origin {row.origin}")


def test_it_reports_swapped_rows(origin: UUID) -> None:
    first, second = InferenceLog.objects.filter(origin=origin, sequence__in=(2, 4)).order_by("sequence")
    InferenceLog.objects.filter(pk=first.pk).update(sequence=100)
    InferenceLog.objects.filter(pk=second.pk).update(sequence=2)
    InferenceLog.objects.filter(pk=first.pk).update(sequence=4)
    assert len(verify()) >= 2


def test_waiting_records_are_not_missing(writer: Writer, journal: Path) -> None:
    for _ in range(6):
        item = record()
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    entries = list(Spool(journal).entries(name))
    write_batch(Batch.of(UUID(name.origin), "host", name.key_id, entries[4:]))
    assert verify() == []
    (journal / str(name)).unlink()
    assert verify() == [f"missing: number 1-4 of origin {UUID(name.origin)}: neither row nor disposition nor journal"]


def test_it_accepts_quarantined_repeated_and_directly_written_records(writer: Writer, journal: Path) -> None:
    item = record()
    for _ in range(2):
        writer.append(item.encode(), item.content())
    writer.append(b"no record", b"")
    settle(journal, sizes=(3,))
    direct = DirectOrigins(keyring().current)
    for _ in range(3):
        direct.write([record()])
    assert verify() == []
    assert sorted(Disposition.objects.values_list("kind", flat=True)) == ["quarantined", "repeated"]


def test_it_reports_a_forged_disposition(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    Disposition.objects.create(
        origin=origin, sequence=3, kind="erased", digest=b"d" * 32, seal=row.seal, disposition_seal=b"x" * 32
    )
    row.delete()
    assert verify() == [f"changed: number 3 of origin {origin}: erased record"]


def test_it_accepts_an_ended_origin_and_a_new_one(origin: UUID, make_origin: Callable[[], UUID]) -> None:
    origins.end(origin)
    make_origin()
    assert verify() == []
    assert Origin.objects.get(pk=origin).ended


@pytest.fixture
def make_origin(journal: Path) -> Callable[[], UUID]:
    """Another origin of six rows."""

    def make() -> UUID:
        writer = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
        for _ in range(6):
            item = record()
            writer.append(item.encode(), item.content())
        writer.close()
        return settle(journal)

    return make


def test_it_verifies_rows_of_a_rotated_key(origin: UUID, make_origin: Callable[[], UUID], settings: Settings) -> None:
    old, settings.SEAL_KEY = settings.SEAL_KEY, "another key of more than thirty-two characters"
    assert [line.split(":")[0] for line in verify()] == ["unreadable"]
    settings.SEAL_KEY_FALLBACKS = [old]
    make_origin()
    assert verify() == []


def test_it_accepts_tombstones_and_a_late_message_brings_nothing_back(
    writer: Writer, journal: Path, settings: Settings
) -> None:
    for name in ("A", "B", "A"):
        item = record(patient_name=name)
        writer.append(item.encode(), item.content())
    [segment] = Spool(journal).segments()
    entries = list(Spool(journal).entries(segment))
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
    assert [(tombstone.sequence, bytes(tombstone.payload)) for tombstone in tombstones.order_by("sequence")] == [
        (1, b""),
        (3, b""),
    ]


def test_reconcile_counts_every_number(writer: Writer, journal: Path, origin: UUID) -> None:
    def counts() -> dict[str, float]:
        out = StringIO()
        call_command("reconcile", stdout=out)
        return {line[:24].strip(): float(line[24:]) for line in out.getvalue().splitlines()}

    assert counts() | {"oldest waiting seconds": 0} == {
        "answered": 6, "written": 6, "waiting": 0, "quarantined": 0, "erased": 0, "repeated": 0,
        "oldest waiting seconds": 0, "missing": 0,
    }  # fmt: skip
    other = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    for _ in range(4):
        item = record()
        other.append(item.encode(), item.content())
    other.close()
    found = counts()
    assert (found["answered"], found["waiting"], found["missing"]) == (10, 4, 0)
    assert found["oldest waiting seconds"] >= 0
    settle(journal, sizes=(4,), remove=False)
    found = counts()
    assert (found["answered"], found["written"], found["waiting"]) == (10, 10, 0)
    InferenceLog.objects.filter(sequence=2, origin=origin).delete()
    with pytest.raises(CommandError, match="1 numbers are missing"):
        counts()


def test_it_reads_a_long_origin_in_chunks(writer: Writer, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "CHUNK_ROWS", 4)
    for _ in range(50):
        item = record()
        writer.append(item.encode(), item.content())
    origin = settle(journal, sizes=(50,))
    assert verify() == []
    statements = select_statements(verify, InferenceLog._meta.db_table)
    walk = [sql for sql in statements if '"payload_bytes"' in sql and "IS NULL" not in sql]
    assert len(walk) >= 50 / 4
    assert [sql for sql in walk if "LIMIT 4" not in sql] == []
    if connection.vendor == "postgresql":  # it may read such a small table in other ways
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {InferenceLog._meta.db_table}")  # or else it plans with what autovacuum saw before
            cursor.execute("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")
    costs = query_costs(verify, InferenceLog._meta.db_table)
    assert max(cost.rows for cost in costs) <= 20, costs
    doubled = InferenceLog.objects.get(origin=origin, sequence=4)  # the last row of a chunk
    doubled.pk = uuid7()
    doubled.save(force_insert=True)
    InferenceLog.objects.filter(origin=origin, sequence=9).update(sequence=None)
    found = {line.partition(" of origin")[0] for line in verify() if line}
    assert found == {"foreign: number 4", "foreign: number 0", "missing: number 9"}


def test_it_reports_an_erased_row_that_was_put_back(origin: UUID, journal: Path) -> None:
    """With its own genuine seals, by somebody who kept it, in place of its tombstone; and the old head with it."""
    row, old_head = InferenceLog.objects.get(origin=origin, sequence=3), Origin.objects.get(pk=origin)
    created_at = row.created_at
    other = InferenceLog.objects.get(origin=origin, sequence=4)
    for each in (row, other):
        [_] = erase(INFERENCES, InferenceLog.objects.filter(pk=each.pk), "asked for")
    save_heads(journal)
    assert verify() == []
    Disposition.objects.filter(sequence=3).delete()
    row.save(force_insert=True)
    InferenceLog.objects.filter(pk=row.pk).update(created_at=created_at)
    assert verify() == [f"changed: number 1-6 of origin {origin}: 1 of its erased records are rows again"]
    old_head.save()
    assert f"changed: number 1-6 of origin {origin}: 1 of its erased records are rows again" in verify()


def test_a_removed_tombstone_is_missing_and_no_row_again(origin: UUID) -> None:
    [_] = erase(INFERENCES, InferenceLog.objects.filter(origin=origin, sequence=3), "asked for")
    Disposition.objects.filter(sequence=3).delete()
    assert verify() == [f"missing: number 3 of origin {origin}: neither row nor disposition nor journal"]


def test_a_row_of_no_known_origin_is_erased_without_a_tombstone(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    row.pk, row.origin = uuid7(), uuid4()
    row.save(force_insert=True)
    [_] = erase(INFERENCES, InferenceLog.objects.filter(pk=row.pk), "asked for")
    assert not Disposition.objects.exists()
    assert verify() == []


def test_the_publisher_sends_copies_of_the_heads(
    origin: UUID, journal: Path, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A database and a disk that are rolled back together show by a copy on another machine."""
    elsewhere = tmp_path / "elsewhere"
    folder = {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(elsewhere)}}
    settings.STORAGES = {**settings.STORAGES, "heads": folder}
    settings.HEADS_COPY_SECONDS = 0
    copies = HeadCopies(journal)
    copies.step()
    assert not elsewhere.exists()  # there is nothing to send yet
    save_heads(journal)
    for _ in range(3):
        copies.step()
        copies.wait(DEADLINE_SECONDS)
    [copy] = elsewhere.iterdir()  # unchanged heads are not sent again
    InferenceLog.objects.all().delete()
    Origin.objects.all().delete()
    (journal / "heads.json").unlink()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_log", heads=[elsewhere], stdout=out)
    assert f"missing: number 1-6 of origin {origin}" in out.getvalue()
    copy.write_text(copy.read_text().replace('"1-6"', '"1-7"'))
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_log", heads=[elsewhere], stdout=out)


def test_a_storage_that_fails_does_not_stop_the_publisher(
    origin: UUID, journal: Path, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    folder = {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(tmp_path / "file" / "x")}}
    settings.STORAGES = {**settings.STORAGES, "heads": folder}
    save_heads(journal)
    copies = HeadCopies(journal)
    copies.step()
    copies.wait(DEADLINE_SECONDS)
    assert "no copy of the heads could be sent to HEADS_COPY_TO (NotADirectoryError)" in caplog.text


def test_a_row_with_a_number_below_one_is_foreign(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    row.pk, row.sequence = uuid7(), -1
    row.save(force_insert=True)
    [line] = verify()
    assert line.startswith(f"foreign: number -1 of origin {origin}")


@pytest.mark.parametrize("text", ["1-9999999999999999999", "9-3", "0-4", "1-2,3-4", "x"])
def test_a_head_that_says_nonsense_is_changed(origin: UUID, text: str) -> None:
    Origin.objects.update(settled=text)
    assert f"changed: number 0 of origin {origin}: the origin's head" in verify()


def test_a_time_before_1970_is_changed(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    InferenceLog.objects.filter(pk=row.pk).update(created_at=datetime(1960, 1, 1, tzinfo=UTC))
    assert verify() == [f"changed: number 3 of origin {origin}: row {row.pk}"]


def test_nobody_without_the_key_has_waiting_records_blanked(writer: Writer, journal: Path) -> None:
    """Dispositions and a head inserted by SQL, and taken away again once the publisher has believed them."""
    for _ in range(3):
        item = record()
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    Origin.objects.create(id=UUID(name.origin), host="h", key_id=name.key_id, settled="1-3", seal=b"junk")
    for entry in Spool(journal).entries(name):
        Disposition.objects.create(
            origin=UUID(name.origin), sequence=entry.sequence, kind="erased", digest=entry.digest, seal=entry.seal,
            disposition_seal=b"junk",
        )  # fmt: skip
    Eraser(journal).step()
    assert len(list(Spool(journal).entries(name))) == 3


@pytest.mark.parametrize("rows", [0, 1])
def test_blank_frames_of_records_that_were_never_erased_are_missing(writer: Writer, journal: Path, rows: int) -> None:
    """Somebody with access to the disk blanks what waits: no head knows these numbers yet."""
    for _ in range(3):
        item = record()
        writer.append(item.encode(), item.content())
    [name] = Spool(journal).segments()
    if rows:
        write_batch(Batch.of(UUID(name.origin), "host", name.key_id, list(Spool(journal).entries(name))[:1]))
    for frame in list(segment.frames(journal / str(name), 0, segment.ALL))[1:]:
        segment.blank(journal / str(name), frame)
    found = verify()
    assert [line.partition(" of origin")[0] for line in found] == ["missing: number 2-3"]
    with pytest.raises(CommandError, match="2 numbers are missing"):
        call_command("reconcile", stdout=StringIO())


def test_an_interrupted_blanking_is_finished(writer: Writer, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = record(patient_name="MARKER")
    writer.append(item.encode(), item.content())
    settle(journal, sizes=(1,), remove=False)
    [name] = Spool(journal).segments()
    [_] = erase(INFERENCES, InferenceLog.objects.all(), "asked for")
    written, eraser = segment.write_at, Eraser(journal)

    def failing_write(descriptor: int, data: bytes, offset: int) -> int:
        if offset:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return written(descriptor, data, offset)

    with monkeypatch.context() as failing:
        failing.setattr(segment, "write_at", failing_write)
        with pytest.raises(OSError, match="error"):
            eraser.step()
    assert b"MARKER" in (journal / str(name)).read_bytes()
    assert eraser.step()
    assert b"MARKER" not in (journal / str(name)).read_bytes()


def test_an_erased_event_in_another_journal_becomes_no_row(journal: Path) -> None:
    """The same inference in two hosts' journals: the first crashed, and a repeat with its key went to the second."""
    item, batches = record(patient_name="MARKER"), []
    for folder in ("one", "two"):
        writer = Writer(journal / folder, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
        writer.append(item.encode(), item.content())
        writer.close()
        [name] = Spool(journal / folder).segments()
        batches.append(Batch.of(UUID(name.origin), "host", name.key_id, Spool(journal / folder).entries(name)))
    write_batch(batches[0])
    [_] = erase(INFERENCES, InferenceLog.objects.all(), "asked for")
    write_batch(batches[1])
    assert not InferenceLog.objects.exists()
    assert verify() == []


def test_erasing_hides_no_change_of_a_quarantined_record(writer: Writer, journal: Path) -> None:
    writer.append(record(patient_name="a\0b").encode(), b"")
    settle(journal, sizes=(1,), remove=False)
    Disposition.objects.update(payload=record(patient_name="Victim").encode())
    assert erase_quarantined(INFERENCES, "asked for", patient="Victim") == (0, 1)
    [line] = verify()
    assert line.startswith("changed: number 1")


def test_erasing_takes_no_undecodable_record_of_somebody_else(writer: Writer, journal: Path) -> None:
    writer.append(b'{"source":"ml_proxy.inference","version":1,"patient_name":"Leanne"', b"")
    settle(journal, sizes=(1,), remove=False)
    assert erase_quarantined(INFERENCES, "asked for", patient="anne") == (0, 0)
    assert erase_quarantined(INFERENCES, "x", patient="Leanne", before=datetime(2001, 1, 1, tzinfo=UTC)) == (0, 0)
    assert erase_quarantined(INFERENCES, "asked for", patient="Leanne") == (1, 0)
