"""The saved heads of folded origins: a file of their own, which only grows, and which memory does not hold."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from recording import origins
from recording.models import Fold, Origin
from recording.publisher import heads, journal_folder
from recording.publisher.head_copies import HeadCopies
from recording.publisher.heads import Heads
from recording.seals import keyring
from tests.support.folded import erase_rows_of, fold, save_heads, write_origin
from tests.support.wait import DEADLINE_SECONDS

pytestmark = pytest.mark.django_db

OPEN, FOLDED = heads.FILE_NAME, heads.FOLDED_NAME


@pytest.fixture
def journal(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return journal_folder()


@pytest.fixture
def both(journal: Path) -> list[UUID]:
    return [write_origin(journal, "A", "B").origin, write_origin(journal, "C").origin]


@pytest.fixture
def publishing(journal: Path, both: list[UUID]) -> Heads:
    """The heads of a publisher that has saved both while they were open."""
    made = Heads(journal)
    step(made)
    return made


def step(publishing: Heads) -> None:
    publishing.update()
    publishing.save()


def saved(journal: Path, name: str) -> set[UUID]:
    path = journal / name
    return {UUID(origin) for origin in json.loads(path.read_text())} if path.exists() else set()


def verify(*copies: Path) -> list[str]:
    out = StringIO()
    try:
        call_command("verify_log", heads=copies, stdout=out)
    except CommandError:
        return list(filter(None, out.getvalue().splitlines()))
    return []


def test_they_move_to_the_other_file(publishing: Heads, both: list[UUID], journal: Path) -> None:
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == ({*both}, set())
    before = heads.read(journal)
    assert fold() == 2
    step(publishing)
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == (set(), {*both})
    assert publishing._saved == {}  # memory does not hold them
    assert heads.read(journal) == before
    assert verify() == []


def test_that_file_is_written_only_when_heads_are_folded(publishing: Heads, journal: Path) -> None:
    assert fold() == 2
    step(publishing)
    inode = (journal / FOLDED).stat().st_ino
    write_origin(journal, "D")
    assert erase_rows_of("A") == 1
    for each in (publishing, Heads(journal)):  # not by a publisher that restarts either
        step(each)
    assert (journal / FOLDED).stat().st_ino == inode
    write_origin(journal, "E")
    assert fold(3) == 3
    step(publishing)
    assert (journal / FOLDED).stat().st_ino != inode
    assert len(saved(journal, FOLDED)) == 4


def test_a_crash_in_between_leaves_them_in_both_files(publishing: Heads, both: list[UUID], journal: Path) -> None:
    assert fold() == 2
    publishing.update()
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == ({*both}, {*both})
    assert verify() == []
    step(Heads(journal))
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == (set(), {*both})


def test_a_disk_that_takes_nothing_leaves_them_where_they_are(
    publishing: Heads, both: list[UUID], journal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draft = (journal / FOLDED).with_suffix(".draft")
    draft.mkdir()
    assert fold() == 2
    step(publishing)
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == ({*both}, set())
    assert "folded heads can't be saved" in caplog.text
    draft.rmdir()
    step(publishing)
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == (set(), {*both})


def test_one_that_leaves_its_fold_is_saved_again_and_only_grows(
    publishing: Heads, both: list[UUID], journal: Path
) -> None:
    assert fold() == 2
    step(publishing)
    old = Fold.objects.get()
    assert erase_rows_of("A") == 1
    step(publishing)
    assert saved(journal, OPEN) == {both[0]}
    assert heads.read(journal)[both[0]].erased == 1
    Origin.objects.all().delete()
    Fold.objects.all().delete()
    old.pk = None
    old.save(force_insert=True)  # as it was before the erasure
    step(publishing)
    step(Heads(journal))
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == (set(), {*both})
    assert heads.read(journal)[both[0]].erased == 1
    assert heads.read(journal)[both[0]].is_genuine(both[0])


def test_a_head_that_is_lowered_after_it_left_its_fold_does_not_lower_what_is_saved(
    publishing: Heads, both: list[UUID], journal: Path
) -> None:
    """By somebody who has the key."""
    assert fold() == 2
    step(publishing)
    Fold.objects.all().delete()
    seal, now = keyring().current.head(both[0], "host", "1-1", 0, ended=True), datetime.now(UTC)
    values = {"host": "host", "key_id": keyring().current.id, "settled": "1-1", "ended": True, "changed_at": now}
    Origin.objects.create(id=both[0], seal=seal, **values)
    step(publishing)
    assert str(json.loads((journal / OPEN).read_text())[str(both[0])]["settled"]) == "1-2"


@pytest.mark.parametrize("is_running", [True, False])
def test_it_replaces_a_damaged_file_by_the_folds(
    publishing: Heads, both: list[UUID], journal: Path, is_running: bool
) -> None:
    assert fold() == 2
    step(publishing)
    (journal / FOLDED).write_text("{")
    with pytest.raises(CommandError, match=r"folded-heads.json can't be read"):
        call_command("reconcile")
    assert erase_rows_of("A") == 1
    publishing = publishing if is_running else Heads(journal)
    for _ in range(2):
        step(publishing)
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == ({both[0]}, {both[1]})
    [line] = verify()
    assert line.startswith("unreadable: folded-heads.damaged")


def test_a_copy_of_either_file_shows_what_was_lost_with_the_host(
    publishing: Heads, both: list[UUID], journal: Path, tmp_path: Path, settings: Settings
) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder = {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(elsewhere)}}
    settings.STORAGES = {**settings.STORAGES, "heads": folder}
    settings.HEADS_COPY_SECONDS = 0
    copies = HeadCopies(journal)
    assert fold() == 2
    third = write_origin(journal, "D").origin
    for _ in range(3):
        step(publishing)
        copies.step()  # an unchanged file is not sent again
        copies.wait(DEADLINE_SECONDS)
    assert [path.name.partition("-")[0] for path in sorted(elsewhere.iterdir())] == ["folded", "heads"]
    for table in (InferenceLog, Origin, Fold):
        table._base_manager.all().delete()
    for name in (OPEN, FOLDED):
        (journal / name).unlink()
    assert verify() == []  # nothing here knows
    assert {line.split()[5].strip(":") for line in verify(elsewhere)} == {str(each) for each in (*both, third)}
    [folded] = elsewhere.glob("folded-heads*")
    assert {line.split()[5].strip(":") for line in verify(folded)} == {str(each) for each in both}


def test_a_clock_that_steps_back_delays_nothing_for_long(
    publishing: Heads, both: list[UUID], journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`changed_at` is then lower than what was read before."""
    late = write_origin(journal, "D").origin
    Origin.objects.filter(pk=late).update(changed_at=datetime.now(UTC) - timedelta(hours=1))
    step(publishing)
    assert late not in saved(journal, OPEN)
    monkeypatch.setattr(heads, "FULL_SECONDS", 0.0)
    publishing._full_at = 0.0  # a minute later
    step(publishing)
    assert late in saved(journal, OPEN)


def test_a_change_of_a_fold_by_sql_moves_no_head(publishing: Heads, both: list[UUID], journal: Path) -> None:
    """A member whose seal does not verify stays in the other file as it was saved."""

    def change(members: dict[str, Any]) -> None:
        members[both[0].hex][2] = "1-1"

    assert fold() == 2
    edit(Fold.objects.get(), change)
    step(publishing)
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == ({both[0]}, {both[1]})
    assert any(f"of origin {both[0]}: the origin's head" in line for line in verify())
    assert origins.genuine(both[0]) is None


def edit(row: Fold, change: Callable[[dict[str, Any]], None]) -> None:
    members = json.loads(row.members)
    change(members)
    Fold.objects.filter(pk=row.pk).update(members=json.dumps(members))


def test_a_publisher_that_starts_saves_folds_it_has_never_seen(both: list[UUID], journal: Path) -> None:
    assert fold() == 2
    save_heads(journal)
    assert (saved(journal, OPEN), saved(journal, FOLDED)) == (set(), {*both})
