"""`RETENTION_DAYS`: expired records are erased in bounded steps, and their tombstones verify."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import AccessLog, AccessSubject
from ml_proxy.models import InferenceLog
from recording import erasure, recorder, retention
from recording.models import Disposition
from recording.tasks import erase_expired
from tests.support.access_log import insert_access
from tests.support.record_pipeline import record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gateway")]


def days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def verify() -> str:
    return str(call_command("verify_log", stdout=StringIO()))


def test_it_erases_what_is_older_and_leaves_tombstones(settings: Settings) -> None:
    settings.RETENTION_DAYS = {"accounts.access": 730, "ml_proxy.inference": 30}
    for days in (731, 729):
        insert_access(recorded_at=days_ago(days))
    for days in (31, 29, 31):
        recorder.record_as_row(record(predicted_at=days_ago(days)))
    erase_expired()
    assert (AccessLog.objects.count(), AccessSubject.objects.count(), InferenceLog.objects.count()) == (1, 2, 1)
    assert {each.reason for each in Disposition.objects.all()} == {retention.REASON}
    assert Disposition.objects.filter(kind="erased").count() == 3
    assert "all in place and unchanged" in verify()
    assert retention.erase_expired() == {"accounts.access": 0, "ml_proxy.inference": 0}


def test_a_step_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "CHUNK_ROWS", 2)
    settings.RETENTION_DAYS = {"accounts.access": 730}
    for _ in range(5):
        insert_access(recorded_at=days_ago(800))
    assert [retention.erase_expired(max_rows=3) for _ in range(3)] == [
        {"accounts.access": 4},
        {"accounts.access": 1},
        {"accounts.access": 0},
    ]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has the clock of this machine")
def test_a_worker_whose_clock_is_years_ahead_erases_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETENTION_DAYS = {"ml_proxy.inference": 30}
    recorder.record_as_row(record())
    ahead = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(days=36_500))
    monkeypatch.setattr(retention, "datetime", ahead)
    assert retention.erase_expired() == {"ml_proxy.inference": 0}
    assert InferenceLog.objects.count() == 1


def test_without_the_setting_everything_is_kept(settings: Settings) -> None:
    settings.RETENTION_DAYS = {}
    insert_access(recorded_at=days_ago(10_000))
    assert retention.erase_expired() == {}
    assert AccessLog.objects.count() == 1


def test_a_source_that_does_not_exist_fails_the_system_check(settings: Settings) -> None:
    settings.RETENTION_DAYS = {"ml_proxy.inferences": 30}
    [found] = retention.check_sources()
    assert (found.id, "ml_proxy.inferences" in found.msg) == ("recording.E001", True)
    settings.RETENTION_DAYS = {"ml_proxy.inference": 30}
    assert retention.check_sources() == []
