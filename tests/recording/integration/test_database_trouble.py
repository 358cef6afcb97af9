"""A failing database withholds a batch; only a record's own fault is quarantined."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from common.database_errors import trouble
from ml_proxy.models import InferenceLog
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Spool, Writer
from recording.models import Disposition, Origin
from recording.quarantine import try_again
from recording.tasks import NotWritten, write_records
from tests.support.databases import failing, full, read_only, table_missing
from tests.support.record_pipeline import append, record

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = InferenceLog._meta.db_table
LARGE = '"{}"'.format("x" * 100_000)  # needs pages of its own

Trouble = Callable[[], AbstractContextManager[None]]
TROUBLES: dict[str, Trouble] = {
    "is read-only": read_only,
    "has no space left": lambda: full(TABLE),
    "lacks a table or a column: run `manage.py migrate`": lambda: table_missing(TABLE),
}
# A real PostgreSQL reports each of these for the state of the database, not for a row.
STATES = {
    "08006": "does not answer",
    "25006": "is read-only",
    "40001": "is busy",
    "40P01": "is busy",
    "42501": "refuses this user",
    "53100": "has no space left",
    "53200": "lacks a resource",
    "53300": "lacks a resource",
    "55P03": "is busy",
    "57014": "is busy",
    "57P01": "does not answer",
    "57P03": "does not answer",
    "58030": "can't use its disk",
    "XX001": "is damaged",
}


@pytest.fixture(autouse=True)
def no_heads(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path / "state"


@pytest.fixture
def batch(tmp_path: Path, writer: Writer) -> Batch:
    """Two good records."""
    for _ in range(2):
        append(writer, record(input_data=LARGE))
    return batch_of(tmp_path, writer)


@pytest.fixture
def quarantined(tmp_path: Path, writer: Writer) -> Disposition:
    """A record that was quarantined, and would be accepted now."""
    for _ in range(2):
        append(writer, record(input_data=LARGE))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX mistake ON {TABLE} (doctor_name)")
        write_batch(batch_of(tmp_path, writer))
        cursor.execute("DROP INDEX mistake")
    return Disposition.objects.get(kind="quarantined")


def batch_of(folder: Path, writer: Writer) -> Batch:
    writer.close()
    [name] = Spool(folder).segments()
    return Batch.of(UUID(name.origin), "host", name.key_id, Spool(folder).entries(name))


def assert_withheld(batch: Batch, problem: str) -> None:
    """Checks that nothing of the batch is written, and that the log says why."""
    with pytest.raises(NotWritten, match=problem):
        write_records(**batch.as_message())


def assert_is_writable(batch: Batch) -> None:
    """Checks that the same batch is written once the database is healthy."""
    assert [table.objects.count() for table in (InferenceLog, Disposition, Origin)] == [0, 0, 0]
    write_records(**batch.as_message())
    assert [table.objects.count() for table in (InferenceLog, Disposition, Origin)] == [2, 0, 1]
    call_command("verify_log", no_progress=True)


@pytest.mark.parametrize("problem", TROUBLES)
def test_a_batch_waits_for_a_healthy_database(batch: Batch, problem: str) -> None:
    with TROUBLES[problem]():
        assert_withheld(batch, problem)
    assert_is_writable(batch)


# Not a full database: a retry first frees as much space as it needs.
@pytest.mark.parametrize("problem", ["is read-only", "lacks a table or a column: run `manage.py migrate`"])
def test_a_retry_leaves_the_record_in_quarantine_as_it_was(quarantined: Disposition, problem: str) -> None:
    with TROUBLES[problem](), pytest.raises(DatabaseError) as caught:
        try_again(quarantined)
    assert trouble(caught.value) == problem
    assert Disposition.objects.get(pk=quarantined.pk).reason == quarantined.reason
    assert try_again(quarantined)
    call_command("verify_log", no_progress=True)


def test_the_admin_says_so(client: Client, quarantined: Disposition) -> None:
    client.force_login(User.objects.create_superuser("operator"))
    form = {"action": "try_again", "_selected_action": [str(quarantined.pk)]}
    with table_missing(TABLE):
        response = client.post("/admin/recording/disposition/", form)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert Disposition.objects.get(pk=quarantined.pk).reason == quarantined.reason


@pytest.mark.parametrize("state", STATES)
def test_postgresql_says_what_is_wrong(batch: Batch, state: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no SQLSTATEs")
    with failing(TABLE, state):
        assert_withheld(batch, STATES[state])
    assert_is_writable(batch)


@pytest.mark.parametrize("state", ["22001", "22003", "22P05", "23502", "23505"])
def test_a_value_that_no_database_accepts_is_quarantined(batch: Batch, state: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no SQLSTATEs")
    with failing(TABLE, state):
        write_records(**batch.as_message())
    assert (InferenceLog.objects.count(), Disposition.objects.filter(kind="quarantined").count()) == (0, 2)


def test_a_row_without_a_partition_is_not_the_records_fault(batch: Batch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no partitions")
    with table_missing(TABLE), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (LIKE {TABLE}_away) PARTITION BY RANGE (id)")
        cursor.execute(f"CREATE UNIQUE INDEX ON {TABLE} (id)")
        assert_withheld(batch, "fails")
        with connection.cursor() as other:
            other.execute(f"DROP TABLE {TABLE}")
    assert_is_writable(batch)
