"""Rows that are written without the journal: an origin goes on once its numbers are committed."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import Error, connection, transaction
from pytest_django import Settings

from common.number_set import NumberSet
from ml_proxy.models import InferenceLog
from recording import recorder
from recording.direct_writes import DirectOrigins
from recording.exceptions import NotRecorded
from recording.journal import Spool
from recording.models import Origin
from recording.publisher import journal_folder
from recording.seals import keyring
from tests.support.databases import with_database_down
from tests.support.folded import NOW, fold
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
    assert_verifies()


def assert_verifies() -> None:
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
    assert with_database_down(lambda: fails(origin))
    origin.write([record()])
    assert_numbered(1, 1)


def fails(origin: DirectOrigins) -> bool:
    with pytest.raises(Error):
        origin.write([record()])
    return True


def test_another_origin_begins_while_it_is_unknown_whether_a_number_is_used(origin: DirectOrigins) -> None:
    with transaction.atomic():
        origin.write([record()])
        origin.write([record()])
    origin.write([record()])
    assert_numbered(1, 1, 2)


def ended() -> list[tuple[int, bool]]:
    """Each origin's highest number, and whether it has ended."""
    found = Origin.objects.order_by("pk").values_list("settled", "ended")
    return [(NumberSet.parse(settled).highest, is_ended) for settled, is_ended in found]


def test_as_many_origins_as_transactions_at_a_time(origin: DirectOrigins) -> None:
    """One that goes on after another has begun is not forgotten."""
    for _ in range(3):
        with transaction.atomic():
            origin.write([record()])
            origin.write([record()])
    assert ended() == [(3, False), (3, False)]
    origin.end()
    assert ended() == [(3, True), (3, True)]
    assert_verifies()


def test_they_end_with_the_process_even_after_a_failure(origin: DirectOrigins) -> None:
    origin.write([record()])
    assert with_database_down(lambda: fails(origin))
    origin.write([record()])
    origin.write([record()])
    assert ended() == [(1, False), (2, False)]
    origin.end()
    assert ended() == [(1, True), (2, True)]
    origin.write([record()])
    assert ended() == [(1, True), (2, True), (1, False)]
    assert_verifies()


def test_the_recorder_ends_them(origin: DirectOrigins) -> None:
    recorder.record_as_row(record())
    assert ended() == [(1, False)]
    assert with_database_down(resets)  # it must not stop an exit
    recorder.record_as_row(record())
    recorder.reset()
    assert ended() == [(1, False), (1, True)]
    assert_verifies()


@pytest.mark.usefixtures("as_worker", "origin")
def test_a_worker_has_no_journal_since_its_host_may_have_no_publisher() -> None:
    with recorder.CapacityReservation(2**40):
        recorder.record(record())
    assert Spool(journal_folder()).segments() == []
    assert_numbered(1)


@pytest.mark.usefixtures("as_worker", "origin")
def test_a_workers_answer_is_withheld_while_the_database_is_down() -> None:
    assert with_database_down(is_withheld)


def is_withheld() -> bool:
    with pytest.raises(NotRecorded):
        recorder.record(record())
    return True


def resets() -> bool:
    recorder.reset()
    return True


WRITE_AND_EXIT = """
import multiprocessing
import os
import sys

import django
django.setup()
from django.db import connection
from recording import recorder
from tests.support.folded import NOW, fold
from tests.support.record_pipeline import record

recorder.record_as_row(record())
connection.close()

def child():
    recorder.record_as_row(record())
    if sys.argv[1] == "crash":
        os._exit(1)

forked = multiprocessing.get_context("fork").Process(target=child)
forked.start()
forked.join()
"""


@pytest.mark.parametrize(("how", "ends"), [("exit", [True, True]), ("crash", [False, True])])
def test_each_process_ends_its_own(
    origin: DirectOrigins, tmp_path: Path, settings: Settings, how: str, ends: list[bool]
) -> None:
    """Also a forked one, as the gateway's workers are; what crashed is folded after a month."""
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])
    here = url._replace(path=f"/{name}").geturl() if url.scheme else f"sqlite:///{name}"
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": here, "SEAL_KEY": settings.SEAL_KEY}
    subprocess.run([sys.executable, "-c", WRITE_AND_EXIT, how], env=environment, check=True, timeout=60)
    assert sorted(is_ended for _, is_ended in ended()) == ends
    assert fold(2, unchanged_for=NOW) == 2
    assert_verifies()
