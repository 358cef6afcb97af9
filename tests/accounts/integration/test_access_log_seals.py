"""`verify_log` names every change of the access log, and of the table of people that makes look-ups fast."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.access_log import subjects
from accounts.access_log.source import ACCESS
from accounts.models import AccessLog, AccessSubject
from common.ids import uuid7
from recording import erasure
from recording.lookups import lookup
from tests.support.access_log import insert_access
from tests.support.gateway import BODY, predict

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(gateway: Client) -> list[AccessLog]:
    for number in range(6):
        insert_access(patients=[f"P{number}", "Lee"], doctors=["Dr. Kim"])
    assert findings() == []
    return list(AccessLog.objects.order_by("pk"))


def findings() -> list[str]:
    out = StringIO()
    try:
        call_command("verify_log", stdout=out)
    except CommandError:
        return list(filter(None, out.getvalue().splitlines()))
    return []


def person(row: AccessLog, name: str = "Lee") -> Any:
    return AccessSubject.objects.filter(access=row, name_key=lookup("patient", name))


TAMPERING: dict[str, Callable[[AccessLog], object]] = {
    "a person was removed": lambda row: person(row).delete(),
    "all people were removed": lambda row: AccessSubject.objects.filter(access=row).delete(),
    "a person was renamed": lambda row: person(row).update(name_key=lookup("patient", "Somebody")),
    "a person's account was changed": lambda row: person(row).update(account="x"),
    "a person's kind was changed": lambda row: person(row).update(kind="doctor"),
    "a person's time was moved out of March": lambda row: person(row).update(recorded_at="2020-01-01T00:00Z"),
    "a person was added": lambda row: AccessSubject.objects.create(
        access=row, kind="patient", name_key=lookup("patient", "Choi"), account=row.account, recorded_at=row.recorded_at
    ),
    "the row's people were changed": lambda row: AccessLog.objects.filter(pk=row.pk).update(patients='["Lee"]'),
    "the row's people are unreadable": lambda row: AccessLog.objects.filter(pk=row.pk).update(patients="?"),
    "the account was changed": lambda row: AccessLog.objects.filter(pk=row.pk).update(account="x"),
    "the row was deleted": lambda row: AccessLog.objects.filter(pk=row.pk).delete(),
    "row and people were deleted": lambda row: (
        AccessSubject.objects.filter(access=row).delete(), AccessLog.objects.filter(pk=row.pk).delete()
    ),
}  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING.keys())
@pytest.mark.parametrize("number", [0, 3, 5])
def test_it_names_tampering(rows: list[AccessLog], tamper: Callable[[AccessLog], object], number: int) -> None:
    tamper(rows[number])
    assert findings()


def test_it_names_people_of_no_row(rows: list[AccessLog]) -> None:
    key = lookup("patient", "Choi")
    AccessSubject.objects.create(access_id=uuid7(), kind="patient", name_key=key, recorded_at=rows[0].recorded_at)
    [found] = findings()
    assert "which is no row" in found


def test_it_walks_in_chunks(rows: list[AccessLog], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "CHUNK_ROWS", 2)
    assert findings() == []
    for row in (rows[1], rows[4]):
        person(row).delete()
    assert len(findings()) == 2


def test_erased_rows_leave_tombstones_and_no_people(rows: list[AccessLog]) -> None:
    assert sum(erasure.erase(ACCESS, erasure.matching(ACCESS, patient="P3"), "asked for")) == 1
    assert (AccessLog.objects.count(), AccessSubject.objects.filter(access=rows[3].pk).count()) == (5, 0)
    assert findings() == []


def test_it_comes_through_journal_redis_and_worker(gateway: Client, process_records: Callable[[], None]) -> None:
    predict(gateway, BODY)
    process_records()
    assert len(gateway.get("/ml/v1/history/?patient=Lee").json()) == 1
    process_records()
    [row] = gateway.get("/ml/v1/access-log/?patient=Lee").json()
    assert (row["action"], row["doctors"]) == ("inference.list", ["Dr. Kim"])
    assert findings() == []
    assert connection.vendor in {"sqlite", "postgresql"}


def test_erasing_a_patient_says_what_the_access_log_keeps(gateway: Client, process_records: Callable[[], None]) -> None:
    predict(gateway, BODY)
    gateway.get("/ml/v1/history/?patient=Lee")
    process_records()
    process_records()
    options = {"patient": "Lee", "reason": "asked for", "yes": True}
    assert "still has the name in 1 rows" in (call_command("erase", **options) or "")
    assert AccessLog.objects.count() == 1
    call_command("erase", source="accounts.access", **options)
    assert AccessLog.objects.count() == 0
    assert findings() == []
