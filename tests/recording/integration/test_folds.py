"""Folded heads: all that reads or changes a head finds them, and `verify_log` names whatever is done to a fold."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from attachments import outbox
from attachments.models import PendingUpload
from common.ids import uuid7
from ml_proxy.models import InferenceLog
from ml_proxy.source import INFERENCES
from recording import backlog, fold_heads, folds, origins
from recording.batches import Batch
from recording.direct_writes import DirectOrigins
from recording.erasure import erase, erase_quarantined
from recording.incremental_reconciliation import IncrementalReconciliation
from recording.ingestion import write_batch
from recording.journal import Writer
from recording.models import Disposition, Fold, Origin
from recording.publisher import heads, journal_folder
from recording.quarantine import try_again
from recording.seals import Key, keyring
from recording.tasks import fold_old_heads
from tests.support.folded import NOW, erase_rows_of, fold, is_open, rows_of, save_heads, write_origin
from tests.support.record_pipeline import append, publisher, record

pytestmark = pytest.mark.django_db

Row = TypeVar("Row", bound=models.Model)


@pytest.fixture
def journal(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return journal_folder()


@pytest.fixture
def batches(journal: Path) -> list[Batch]:
    """Two origins in one fold."""
    made = [write_origin(journal, "A", "B", "C", "D"), write_origin(journal, "A", "E")]
    assert fold() == 2
    return made


@pytest.fixture
def origin(batches: list[Batch]) -> UUID:
    """The first of them, with four rows."""
    return batches[0].origin


def verify(**options: Any) -> list[str]:
    """The findings that the command prints."""
    out = StringIO()
    try:
        call_command("verify_log", stdout=out, **options)
    except CommandError:
        return list(filter(None, out.getvalue().splitlines()))
    return []


def kept(row: Row) -> Callable[[], None]:
    """What puts a row back as it is now, with its times."""

    def put_back() -> None:
        type(row)._base_manager.filter(pk=row.pk).delete()
        row.save_base(raw=True, force_insert=True)

    return put_back


def change_members(change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the one fold's members, and makes its total fit."""
    row = Fold.objects.get()
    members = json.loads(row.members)
    change(members)
    row.members = json.dumps(members)
    row.numbers = sum(map(folds.highest, folds.unpack(row)))
    row.save()


def test_an_intact_log_with_folds_has_no_findings(batches: list[Batch], journal: Path) -> None:
    assert [Origin.objects.count(), Fold.objects.count()] == [0, 1]
    assert verify() == []
    save_heads(journal)
    assert verify() == []
    out = StringIO()
    call_command("verify_log", stdout=out)
    assert out.getvalue().startswith("6 records, all in place and unchanged")


@pytest.mark.parametrize("sequence", [1, 3, 4])
def test_a_deleted_row_is_missing(origin: UUID, sequence: int) -> None:
    InferenceLog.objects.filter(origin=origin, sequence=sequence).delete()
    assert verify() == [f"missing: number {sequence} of origin {origin}: neither row nor disposition nor journal"]


def test_a_changed_row_is_changed(origin: UUID) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    InferenceLog.objects.filter(pk=row.pk).update(patient_name="Someone Else")
    assert verify() == [f"changed: number 3 of origin {origin}: row {row.pk}"]


@pytest.mark.parametrize("sequence", [3, 5, 10**9])
def test_an_inserted_row_is_foreign(origin: UUID, sequence: int) -> None:
    row = InferenceLog.objects.get(origin=origin, sequence=3)
    row.pk, row.sequence = uuid7(), sequence
    row.save(force_insert=True)
    [line] = verify()
    assert line.startswith(f"foreign: number {sequence} of origin {origin}")


def test_a_removed_member_is_missing(origin: UUID, journal: Path) -> None:
    save_heads(journal)
    change_members(lambda members: members.pop(origin.hex))
    lines = verify()
    assert lines[0] == f"missing: number 1-4 of origin {origin}: the whole origin, which this host or a kept copy knows"
    assert [line.partition(":")[0] for line in lines[1:]] == ["foreign"] * 4
    InferenceLog.objects.filter(origin=origin).delete()
    assert verify() == lines[:1]
    (journal / "folded-heads.json").unlink()
    assert verify() == []  # nothing here knows


def test_a_deleted_fold_is_missing(batches: list[Batch], journal: Path) -> None:
    save_heads(journal)
    Fold.objects.all().delete()
    InferenceLog.objects.all().delete()
    assert sorted(line.partition(": the whole")[0] for line in verify()) == sorted(
        f"missing: number 1-{batch.last} of origin {batch.origin}" for batch in batches
    )


def test_a_changed_total_is_changed(batches: list[Batch]) -> None:
    Fold.objects.update(numbers=5)
    assert verify() == [f"changed: {Fold.objects.get()}: its total is not that of its origins"]


@pytest.mark.parametrize("column", ["first", "last"])
def test_a_changed_range_is_changed(batches: list[Batch], column: str) -> None:
    """Otherwise look-ups would not find an origin, and write its rows again."""
    Fold.objects.update(**{column: UUID(int=2**128 - 1 if column == "first" else 0)})
    assert verify() == [f"changed: {Fold.objects.get()}: its range is not that of its origins"]


def test_the_total_goes_on_to_be_reported_if_a_head_leaves(batches: list[Batch]) -> None:
    """What changes a fold does not count it anew."""
    Fold.objects.update(numbers=100)
    assert erase_rows_of("E") == 1
    assert verify() == [f"changed: {Fold.objects.get()}: its total is not that of its origins"]


def test_members_that_cannot_be_read_are_changed(batches: list[Batch]) -> None:
    Fold.objects.update(members="{")
    first, *rows = verify()
    assert first.startswith(f"changed: {Fold.objects.get()} can't be read")
    assert [line.partition(":")[0] for line in rows] == ["foreign"] * 6


@pytest.mark.parametrize(
    ("place", "value"), [(0, "other host"), (2, "1-5"), (2, "1-3"), (2, "1-x"), (3, 1), (4, False), (5, "eA==")]
)
def test_a_changed_member_is_a_changed_head(origin: UUID, place: int, value: object) -> None:
    change_members(lambda members: members[origin.hex].__setitem__(place, value))
    assert any(f"of origin {origin}: the origin's head" in line for line in verify())
    assert not any(line.startswith("foreign") for line in verify() if value != "1-x")


def test_an_old_fold_that_is_replayed_is_named(origin: UUID, journal: Path) -> None:
    """Its members' seals are genuine. The one that has left it meanwhile is there twice."""
    put_back, old = kept(Fold.objects.get()), Fold.objects.get()
    assert erase_rows_of("B") == 1
    save_heads(journal)
    assert verify() == []
    put_back()
    assert verify() == [f"changed: number 1-4 of origin {origin}: it has several heads, one of them in {old}"]
    Origin.objects.all().delete()
    found = verify()
    assert found == [
        f"changed: number 4 of origin {origin}: the origin's head: more records were erased before",
        f"changed: number 4 of origin {origin}: the origin's head: it knows fewer erased records than there are",
    ]
    (journal / "heads.json").unlink()
    assert verify() == found[1:]


def test_a_copied_fold_is_named(batches: list[Batch]) -> None:
    copied = Fold.objects.get()
    copied.pk = None
    copied.save(force_insert=True)
    assert sorted(verify()) == sorted(
        f"changed: number 1-{batch.last} of origin {batch.origin}: it has several heads, one of them in {copied}"
        for batch in batches
    )


def test_an_erased_row_of_a_folded_origin_that_is_put_back_is_named(origin: UUID, journal: Path) -> None:
    put_back = kept(InferenceLog.objects.get(origin=origin, sequence=2))
    [_] = erase(INFERENCES, InferenceLog.objects.filter(origin=origin, sequence=2), "asked for")
    assert is_open(origin)
    write_origin(journal, "F")
    assert fold() == 2
    assert not is_open(origin)
    Disposition.objects.all().delete()
    put_back()
    assert verify() == [f"changed: number 1-4 of origin {origin}: 1 of its erased records are rows again"]


def test_an_old_key_cannot_rewrite_a_folded_origin(origin: UUID, journal: Path, settings: Settings) -> None:
    """The publisher holds no folded heads, and looks into their file if one comes again."""
    save_heads(journal)
    publishing = publisher(journal)
    settings.SEAL_KEY_FALLBACKS = ["an old key of more than thirty-two characters"]
    change_members(lambda members: members.pop(origin.hex))
    InferenceLog.objects.filter(origin=origin).delete()
    forger = DirectOrigins(Key(settings.SEAL_KEY_FALLBACKS[0]))
    forger._free.append((origin, 1, bytes(32)))
    forger.write([record() for _ in range(5)])
    for _ in range(2):
        publishing._heads.update()
        publishing._heads.save()
        [line] = verify()
        assert line == f"changed: number 5 of origin {origin}: the origin's head: it was sealed with another key before"


def test_a_batch_that_comes_again_leaves_its_origin_folded(batches: list[Batch]) -> None:
    before = list(Fold.objects.values())
    for batch in batches:
        assert not write_batch(batch)
    assert list(Fold.objects.values()) == before
    assert InferenceLog.objects.count() == 6
    assert not Origin.objects.exists()


def test_rows_of_a_folded_origin_are_restored(batches: list[Batch], origin: UUID) -> None:
    InferenceLog.objects.filter(sequence__gt=1).delete()
    assert sum(sum(write_batch(batch, is_restoring=True).values()) for batch in batches) == 4
    assert verify() == []
    assert not is_open(origin)


@pytest.mark.django_db(transaction=True)  # it goes on once its numbers are committed
def test_a_folded_origin_goes_on(journal: Path) -> None:
    """One that was not known to have ended, after a month: its host was away."""
    journal.mkdir(parents=True)
    direct = DirectOrigins(keyring().current)
    direct.write([record(), record()])
    [[origin, *_]] = direct._free
    assert fold(1) == 0
    assert fold(1, unchanged_for=NOW) == 1
    assert verify() == []
    direct.write([record()])
    head = origins.genuine(origin)
    assert head is not None
    assert (str(head.settled), head.ended, is_open(origin)) == ("1-3", False, True)
    assert not Fold.objects.exists()
    assert verify() == []
    assert fold(1, unchanged_for=NOW) == 1
    origins.end(origin)
    assert Origin.objects.get().ended
    assert verify() == []


def test_erasing_takes_the_head_out_of_its_fold(batches: list[Batch], origin: UUID, journal: Path) -> None:
    save_heads(journal)
    assert erase_rows_of("A") == 2
    assert list(Origin.objects.order_by("pk").values_list("erased", "ended")) == [(1, True), (1, True)]
    assert not Fold.objects.exists()
    for batch in batches:
        write_batch(batch)
    assert not rows_of("A").exists()
    assert verify() == []
    save_heads(journal)
    assert verify() == []
    assert fold() == 2
    save_heads(journal)
    assert verify() == []
    assert not is_open(origin)


def test_quarantined_records_of_a_folded_origin_are_retried_and_erased(journal: Path) -> None:
    writer = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    for patient in ("a\0b", "c\0d"):
        append(writer, record(patient_name=patient))
    writer.close()
    [(name, _), *_] = frames = list(backlog.frames(journal))
    batch = Batch.of(UUID(name.origin), "host", name.key_id, [entry for _, frame in frames for entry in frame.entries])
    write_batch(batch)
    origins.end(batch.origin)
    (journal / str(name)).unlink()
    assert fold(1) == 1
    assert not try_again(Disposition.objects.get(sequence=1))
    assert not is_open(batch.origin)
    assert erase_quarantined(INFERENCES, "asked for", patient="c\0d") == (1, 0)
    assert is_open(batch.origin)
    assert verify() == []


def test_contents_of_a_folded_origin_are_discarded(batches: list[Batch], origin: UUID) -> None:
    """A publisher that restarted saved them again after their row was written."""
    PendingUpload.objects.create(key="k", row=uuid7(), origin=origin, sequence=2, content=b"x")
    PendingUpload.objects.create(key="l", row=uuid7(), origin=origin, sequence=7, content=b"x")
    assert outbox.discard_leftovers() == 1
    assert PendingUpload.objects.get().key == "l"


def test_a_publisher_sends_nothing_of_a_folded_origin_again(journal: Path, broker: Any) -> None:
    writer = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    append(writer, record())
    writer.close()
    [(name, frame)] = backlog.frames(journal)
    write_batch(Batch.of(UUID(name.origin), "host", name.key_id, frame.entries))
    assert fold(1, unchanged_for=NOW) == 1
    publishing = publisher(journal)
    publishing.step()
    publishing.step()
    assert broker.llen("logs") == 0
    assert not list(journal.glob("*.segment"))
    assert Origin.objects.get().ended  # the head was taken out for this


def counts(journal: Path, later: IncrementalReconciliation) -> dict[str, int]:
    """What `reconcile` and a scrape count, which must be the same."""
    out = StringIO()
    try:
        call_command("reconcile", stdout=out)
    except CommandError as exc:
        assert "are missing" in str(exc)  # noqa: PT017 - it may be raised
    found = {line[:24].strip(): int(float(line[24:])) for line in out.getvalue().splitlines()}
    scraped = [later.account(journal, {}), IncrementalReconciliation().account(journal, {})]
    for each in scraped:
        assert {name: found[name] for name in each} == each
    return {name: count for name, count in scraped[0].items() if count}


def test_reconciliation_is_exact_over_folds(journal: Path) -> None:
    later = IncrementalReconciliation()
    for patients in ("AB", "CDE", "F"):
        write_origin(journal, *patients)
    save_heads(journal)
    assert counts(journal, later) == {"answered": 6, "written": 6}
    assert fold(3) == 3
    assert counts(journal, later) == {"answered": 6, "written": 6}
    save_heads(journal)
    assert counts(journal, later) == {"answered": 6, "written": 6}
    assert erase_rows_of("D") == 1
    assert counts(journal, later) == {"answered": 6, "written": 5, "erased": 1}
    save_heads(journal)
    assert counts(journal, later) == {"answered": 6, "written": 5, "erased": 1}
    put_back = kept(Fold.objects.get())
    lost = InferenceLog.objects.exclude(pk__in=rows_of("C", "E"))
    gone = list(lost)
    Fold.objects.all().delete()
    lost.delete()
    assert counts(journal, later) == {"answered": 6, "written": 2, "erased": 1, "missing": 3}
    put_back()
    for row in gone:
        kept(row)()
    assert counts(journal, later) == {"answered": 6, "written": 5, "erased": 1}


def test_a_scrape_reads_no_fold_and_no_file_of_folded_heads(
    batches: list[Batch], journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has compared them: its cost must not grow with the origins of the past."""
    save_heads(journal)
    later = IncrementalReconciliation()
    before = later.account(journal, {})
    monkeypatch.setattr(folds, "unpack", None)
    monkeypatch.setattr(heads, "_parsed", None)
    with CaptureQueriesContext(connection) as captured:
        assert later.account(journal, {}) == before
    assert not any('"members"' in query["sql"] for query in captured)


@pytest.mark.parametrize("fault", ["changed", "with a gap", "not settled from 1", "open", "recent"])
def test_other_heads_are_not_folded(journal: Path, fault: str) -> None:
    batch = write_origin(journal, "A", "B", "C")
    if fault == "changed":
        Origin.objects.update(host="other")
    elif fault == "open":
        Origin.objects.update(ended=False)
    elif fault != "recent":
        settled = "1-1,3-3" if fault == "with a gap" else "2-3"
        Origin.objects.update(
            settled=settled, seal=keyring().current.head(batch.origin, "host", settled, 0, ended=True)
        )
    assert fold_heads.fold_heads(size=1, ended_for=timedelta(days=1) if fault == "recent" else NOW) == 0
    assert is_open(batch.origin)


def test_only_full_folds_are_made(journal: Path) -> None:
    for _ in range(5):
        write_origin(journal, "A")
    assert fold(2) == 4
    assert [Origin.objects.count(), Fold.objects.count()] == [1, 2]
    assert fold(2) == 0
    assert verify() == []


def test_the_periodic_task_folds_what_ended_a_day_ago_or_did_not_change_for_a_month(journal: Path) -> None:
    ago = {"ended": fold_heads.ENDED_FOR, "crashed": fold_heads.UNCHANGED_FOR, "running": fold_heads.ENDED_FOR}
    key, now, made = keyring().current, datetime.now(UTC), dict[str, list[UUID]]()
    for name, age in ago.items():
        made[name] = [uuid7() for _ in range(fold_heads.SIZE // 2)]
        values = {"host": "h", "key_id": key.id, "settled": "1-1", "ended": name == "ended", "changed_at": now - age}
        seals = {origin: key.head(origin, "h", "1-1", 0, ended=name == "ended") for origin in made[name]}
        Origin.objects.bulk_create(Origin(id=origin, seal=seal, **values) for origin, seal in seals.items())
    fold_old_heads()
    assert set(Origin.objects.values_list("pk", flat=True)) == set(made["running"])
    assert {row.id for row in folds.unpack(Fold.objects.get())} == {*made["ended"], *made["crashed"]}
    assert Fold.objects.get().numbers == fold_heads.SIZE
