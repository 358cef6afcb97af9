"""Folding, ingestion, erasure and verification at the same time: no number is lost, counted twice or called missing."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from recording import folds, origins, verification
from recording.batches import Batch
from recording.findings import Finding
from recording.incremental_reconciliation import IncrementalReconciliation
from recording.ingestion import write_batch
from recording.models import Disposition, Fold, Origin
from recording.publisher import journal_folder
from recording.reconciliation import account
from tests.support.folded import NOW, erase_rows_of, fold, is_open, rows_of, save_heads, write_origin
from tests.support.races import apart, meanwhile
from tests.support.wait import DEADLINE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def journal(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return journal_folder()


def findings(journal: Path) -> list[Finding]:
    return [finding for step in verification.verify(journal) for finding in step.findings]


def test_a_batch_that_waits_for_a_head_that_is_being_folded_finds_it(journal: Path) -> None:
    batch = write_origin(journal, "A", "B")
    with meanwhile(lambda: write_batch(batch)) as written:
        assert fold(1) == 1
    assert [sum(each.values()) for each in written] == [0]
    assert [Origin.objects.count(), Fold.objects.count()] == [0, 1]
    assert findings(journal) == []


def test_an_erasure_that_waits_for_a_head_that_is_being_folded_takes_it_out_again(journal: Path) -> None:
    batch = write_origin(journal, "A", "B")
    with meanwhile(lambda: erase_rows_of("A")) as erased:
        assert fold(1) == 1
    assert erased == [1]
    assert is_open(batch.origin)
    assert not Fold.objects.exists()
    assert findings(journal) == []


def test_a_batch_that_waits_for_an_erasure_in_its_fold_brings_nothing_back(journal: Path) -> None:
    batches = [write_origin(journal, "A", "B"), write_origin(journal, "C")]
    assert fold(2) == 2
    with meanwhile(lambda: write_batch(batches[0])) as written:
        assert erase_rows_of("A") == 1
    assert [sum(each.values()) for each in written] == [0]
    assert not rows_of("A").exists()
    assert findings(journal) == []


def test_two_erasures_in_one_fold_both_count(journal: Path) -> None:
    for patient in "ABC":
        write_origin(journal, patient)
    assert fold(3) == 3
    with meanwhile(lambda: erase_rows_of("B")) as erased:
        assert erase_rows_of("A") == 1
    assert erased == [1]
    assert list(Origin.objects.values_list("erased", flat=True)) == [1, 1]
    assert Fold.objects.get().numbers == 1
    assert findings(journal) == []


def test_folding_passes_over_heads_that_are_locked(journal: Path) -> None:
    batches = [write_origin(journal, "A"), write_origin(journal, "B")]
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            origins.lock(batches[0].origin)
            assert pool.submit(apart(lambda: fold(2))).result(DEADLINE_SECONDS) == 1
        assert is_open(batches[0].origin)
        with transaction.atomic():
            assert fold(1) == 1
            assert pool.submit(apart(lambda: fold(1))).result(DEADLINE_SECONDS) == 0  # another one folds it
    assert findings(journal) == []


@pytest.mark.parametrize("look_up", [origins.genuine, origins.lock])
def test_a_head_that_is_taken_out_between_the_two_looks_is_found(
    journal: Path, look_up: Callable[[UUID], origins.Head | None]
) -> None:
    origin = write_origin(journal, "A").origin
    assert fold(1) == 1
    taken = [Fold.objects.get().pk]

    def take_out(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"recording_fold"' in sql and taken:
            folds.take_out(taken.pop(), origin)
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(take_out):
        head = look_up(origin)
    assert head is not None
    assert head.fold is None


def test_a_head_that_is_taken_out_while_the_log_is_verified_is_verified_once(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = write_origin(journal, "A").origin
    assert fold(1) == 1
    save_heads(journal)
    each = folds.each

    def take_out(after: int = 0) -> Iterator[Fold]:
        """After the walk over the open heads, and before that over the folds."""
        folds.take_out(Fold.objects.get().pk, origin)
        return each(after)

    monkeypatch.setattr(folds, "each", take_out)
    steps = list(verification.verify(journal))
    assert [finding for step in steps for finding in step.findings] == []
    assert sum(step.checked for step in steps) == 1


def test_a_head_that_is_folded_while_the_log_is_verified_is_verified_once(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_origin(journal, "A")
    each = folds.each

    def fold_first(after: int = 0) -> Iterator[Fold]:
        assert fold(1) == 1
        return each(after)

    monkeypatch.setattr(folds, "each", fold_first)
    steps = list(verification.verify(journal))
    assert [finding for step in steps for finding in step.findings] == []
    assert sum(step.checked for step in steps) == 1


@pytest.mark.parametrize("is_before", [True, False])
def test_a_head_that_is_folded_between_two_queries_of_a_scrape_counts_once(
    journal: Path, monkeypatch: pytest.MonkeyPatch, is_before: bool
) -> None:
    """Before the query for open heads, or after it."""
    write_origin(journal, "A", "B")
    totals, looks = folds.totals, [1, 2, 3]

    def totals_and_fold() -> folds.Totals:
        look = looks.pop(0)
        if look == 2 and not is_before:
            assert fold(1) == 1
        found = totals()
        if look == 1 and is_before:
            assert fold(1) == 1
        return found

    monkeypatch.setattr(folds, "totals", totals_and_fold)
    counts = IncrementalReconciliation().account(journal, {})
    assert (counts["answered"], counts["written"], counts["missing"]) == (2, 2, 0)
    assert not looks


def test_all_at_once(journal: Path) -> None:
    """Batches come one by one and again, patients are erased, and each head is folded as soon as it can be."""
    whole = [write_origin(journal, *"ABCDEF") for _ in range(4)]
    for table in (InferenceLog, Origin):
        table._base_manager.all().delete()
    parts = [Batch(each.origin, each.host, each.key_id, (record,)) for each in whole for record in each.records]
    found: list[list[Finding]] = []
    acts: list[Callable[[], object]] = [
        lambda: (fold(1, unchanged_for=NOW), fold(2, unchanged_for=NOW)),
        lambda: erase_rows_of("B", "E"),
        lambda: found.append(findings(journal)),
        lambda: found.append([Finding("missing", None, 1, 1, "reconcile")] * account(journal).missing),
    ]
    running = threading.Event()
    with ThreadPoolExecutor(len(acts)) as pool:
        repeated = [pool.submit(apart(partial(repeat_while, running, act))) for act in acts]
        try:
            running.set()
            ingest_twice(sorted(parts, key=lambda part: part.first))
        finally:
            running.clear()
        for each in repeated:
            each.result()
    assert [finding for each in found for finding in each] == []
    erase_rows_of("B", "E")
    assert (InferenceLog.objects.count(), Disposition.objects.count()) == (16, 8)
    assert findings(journal) == []
    fold(1, unchanged_for=NOW)
    assert not Origin.objects.exists()
    assert findings(journal) == []


def repeat_while(running: threading.Event, act: Callable[[], object]) -> None:
    running.wait()
    while running.is_set():
        act()


def ingest_twice(batches: list[Batch]) -> None:
    for place, batch in enumerate(batches):
        write_batch(batch)
        write_batch(batches[place // 2])
