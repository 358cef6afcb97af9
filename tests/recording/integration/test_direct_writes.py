"""Rows that are written without the journal: an origin goes on once its numbers are committed."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import Error, transaction
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from recording.direct_writes import DirectOrigins
from recording.publisher import journal_folder
from recording.seals import keyring
from tests.support.databases import with_database_down
from tests.support.record_pipeline import record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(tmp_path: Path, settings: Settings) -> DirectOrigins:
    settings.VAR_DIR = tmp_path
    journal_folder().mkdir(parents=True)
    return DirectOrigins(keyring().current)


def assert_numbered(*numbers: int) -> None:
    """The rows have these numbers, in the order in which they were written, and verify."""
    assert list(InferenceLog.objects.order_by("created_at").values_list("sequence", flat=True)) == [*numbers]
    call_command("verify_log", stdout=StringIO())


def test_its_numbers_go_on_from_call_to_call(origin: DirectOrigins) -> None:
    origin.write([record(), record()])
    origin.write([record()])
    with transaction.atomic():
        origin.write([record()])
    origin.write([record()])
    assert InferenceLog.objects.values("origin").distinct().count() == 1
    assert_numbered(1, 2, 3, 4, 5)


def test_another_origin_begins_after_a_rollback(origin: DirectOrigins) -> None:
    origin.write([record()])
    with transaction.atomic():
        origin.write([record()])
        transaction.set_rollback(True)
    origin.write([record()])
    origin.write([record()])
    assert_numbered(1, 1, 2)


def test_another_origin_begins_after_a_failure(origin: DirectOrigins) -> None:
    origin.write([record()])

    def fails() -> bool:
        with pytest.raises(Error):
            origin.write([record()])
        return True

    assert with_database_down(fails)
    origin.write([record()])
    assert_numbered(1, 1)


def test_another_origin_begins_while_it_is_unknown_whether_a_number_is_used(origin: DirectOrigins) -> None:
    with transaction.atomic():
        origin.write([record()])
        origin.write([record()])
    origin.write([record()])
    assert_numbered(1, 1, 2)
