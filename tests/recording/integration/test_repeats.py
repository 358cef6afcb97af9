"""One event that was recorded twice: one row, and no number missing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording.batches import Batch, Numbered
from recording.erasure import erase
from recording.ingestion import write_batch
from recording.models import Disposition
from recording.seals import START, keyring
from tests.support.races import apart, meanwhile
from tests.support.record_pipeline import record


@pytest.fixture(autouse=True)
def empty_journal(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def batch_of(records: Sequence[InferenceRecord]) -> Batch:
    """A batch as a publisher sends it, of an origin of its own."""
    key, origin, seal, numbers = keyring().current, uuid4(), START, []
    for sequence, each in enumerate(records, start=1):
        digest = key.digest(each.content())
        seal = key.seal(seal, origin, sequence, digest)
        numbers.append(Numbered(sequence, digest, seal, each.encode()))
    return Batch(origin, "host", key.id, tuple(numbers))


def assert_whole(rows: int, repeated: int) -> None:
    assert InferenceLog.objects.count() == rows
    assert list(Disposition.objects.values_list("kind", flat=True)) == ["repeated"] * repeated
    call_command("verify_log", no_progress=True, stdout=StringIO())
    call_command("reconcile", stdout=StringIO())


@pytest.mark.django_db
def test_it_leaves_one_row_and_one_disposition_within_a_batch() -> None:
    once, twice = record(), record()
    batch = batch_of([twice, once, twice, twice])
    write_batch(batch)
    assert_whole(rows=2, repeated=2)
    assert InferenceLog.objects.get(id=twice.id).sequence == 1
    write_batch(batch)  # the message comes again
    assert_whole(rows=2, repeated=2)


@pytest.mark.django_db
def test_it_leaves_one_row_and_one_disposition_across_origins() -> None:
    both = record()
    for batch in (batch_of([both]), batch_of([record(), both])):
        write_batch(batch)
    assert_whole(rows=2, repeated=1)


@pytest.mark.django_db(transaction=True)
def test_it_leaves_one_row_where_two_workers_write_at_once() -> None:
    both = record()
    batches = [batch_of([both]) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(apart(partial(write_batch, batch))) for batch in batches]:
            future.result()
    assert_whole(rows=1, repeated=1)


def erase_all() -> None:
    [_] = erase(INFERENCES, InferenceLog.objects.all(), "asked for")


def assert_erased() -> None:
    assert not InferenceLog.objects.exists()
    assert list(Disposition.objects.order_by("id").values_list("kind", flat=True)) == ["erased", "repeated"]
    call_command("verify_log", no_progress=True, stdout=StringIO())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("default", ["read committed", "repeatable read", "serializable"])
def test_it_stays_erased_if_its_repeat_waits_for_the_erasure(monkeypatch: pytest.MonkeyPatch, default: str) -> None:
    """The repeat is of another origin, so the head that the erasure locks is not its own.

    An administrator may have set another isolation for the user or the database.
    """
    monkeypatch.setenv("PGOPTIONS", f"-cdefault_transaction_isolation={default}".replace(" ", "\\ "))
    both = record()
    write_batch(batch_of([both]))
    repeat = batch_of([both])
    with meanwhile(lambda: write_batch(repeat)) as written:
        erase_all()
    assert written == [{"repeated": 1}]
    assert_erased()


@pytest.mark.django_db
def test_it_stays_erased_if_its_repeat_is_sealed_with_another_key(settings: Settings) -> None:
    """Between the two, the gateway started again with a new SEAL_KEY."""
    both = record()
    write_batch(batch_of([both]))
    erase_all()
    settings.SEAL_KEY_FALLBACKS, settings.SEAL_KEY = [settings.SEAL_KEY], "a synthetic key of the next year"
    write_batch(batch_of([both]))
    assert_erased()
