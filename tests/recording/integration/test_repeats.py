"""One event that was recorded twice: one row, and no number missing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording.batches import Batch, Numbered
from recording.ingestion import write_batch
from recording.models import Disposition
from recording.seals import START, keyring
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

    def write(batch: Batch) -> None:
        try:
            write_batch(batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(write, batch_of([both])) for _ in range(2)]:
            future.result()
    assert_whole(rows=1, repeated=1)
