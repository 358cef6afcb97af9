"""Records of an older version that are still on their way when the worker is upgraded."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording import records
from recording.batches import Batch, Numbered
from recording.ingestion import write_batch
from recording.models import Disposition
from recording.quarantine import try_again
from recording.seals import START, keyring
from tests.support.record_pipeline import record

pytestmark = pytest.mark.django_db

ORIGIN = UUID(int=7)


@pytest.fixture
def old(tmp_path: Path, settings: Settings) -> Batch:
    """A record of version 1, numbered and sealed before the upgrade."""
    settings.VAR_DIR = tmp_path
    item, key = record(), keyring().current
    digest = key.digest(item.content())
    number = Numbered(1, digest, key.seal(START, ORIGIN, 1, digest), item.encode())
    return Batch(ORIGIN, "host", key.id, (number,))


@pytest.fixture
def upgraded(old: Batch, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From here on version 2 is written, which seals less."""
    monkeypatch.setattr(InferenceRecord, "SEALED", {**InferenceRecord.SEALED, 2: ("id", "predicted_at")})
    yield
    records._layout.cache_clear()


def verdict() -> str:
    out = StringIO()
    call_command("verify_log", "--no-progress", stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("upgraded")
def test_its_row_keeps_its_version_and_verifies(old: Batch) -> None:
    write_batch(old)
    assert InferenceLog.objects.get().record_version == 1
    assert "1 records, all in place" in verdict()


@pytest.mark.usefixtures("upgraded")
def test_it_leaves_quarantine_once_the_cause_is_mended(old: Batch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX mistake ON ml_proxy_inferencelog ((1))")
        InferenceLog.objects.bulk_create([InferenceLog(**vars(record()))])
        write_batch(old)
        cursor.execute("DROP INDEX mistake")
    InferenceLog.objects.all().delete()
    assert try_again(Disposition.objects.get())
    assert InferenceLog.objects.get().record_version == 1
    assert "1 records, all in place" in verdict()
