"""`GET access-log/` and its export, the admin page and the command: who looked at this patient."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from fhir.resources.R4B.auditevent import AuditEvent
from pytest_django import Settings

from accounts.access_log.records import AccessRecord
from accounts.models import AccessLog, AccessSubject
from tests.support.access_log import Noted, insert_access
from tests.support.gateway import assert_problem
from tests.support.query_plans import query_costs

pytestmark = pytest.mark.django_db

LOG = "/ml/v1/access-log/"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def march(gateway: Client) -> list[AccessRecord]:
    """Looks of one minute each, at P0 to P2 in turn, by two accounts."""
    return [
        insert_access(
            recorded_at=MARCH + timedelta(minutes=number),
            patients=[f"P{number % 3}", "Everyone"],
            doctors=[f"Dr. {number % 2}"],
            account=f"account-{number % 4}",
        )
        for number in range(24)
    ]


def listed(client: Client, **query: Any) -> list[str]:
    """The ids on all pages, in order."""
    found: list[str] = []
    url, parameters = LOG, query
    while url:
        response = client.get(url, parameters)
        assert response.status_code == 200, response.content
        found += [row["id"] for row in response.json()]
        url, parameters = response.get("Link", "").partition(">")[0].removeprefix("<http://testserver"), {}
    return found


def expected(march: list[AccessRecord], **wanted: str) -> list[str]:
    def fits(record: AccessRecord) -> bool:
        return (
            wanted.get("patient", "P") in record.patients
            and wanted.get("doctor", "D") in record.doctors
            and wanted.get("account", record.account) == record.account
        )

    return [str(record.id) for record in reversed(march) if fits(record)]


@pytest.mark.parametrize("limit", [1, 4, 1000])
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"patient": "P1"},
        {"doctor": "Dr. 1"},
        {"account": "account-2"},
        {"patient": "P1", "doctor": "Dr. 1"},
        {"patient": "P1", "account": "account-2"},
        {"patient": "P1", "doctor": "Dr. 0", "account": "account-2"},
    ],
)
def test_it_finds_each_look_that_matches_newest_first(
    gateway: Client, march: list[AccessRecord], wanted: dict[str, str], limit: int
) -> None:
    assert expected(march, **wanted)
    assert listed(gateway, **wanted, limit=limit, until="2026-04-01") == expected(march, **wanted)


def test_since_is_inclusive_and_until_exclusive(gateway: Client, march: list[AccessRecord]) -> None:
    span = {"since": "2026-03-01T00:03:00Z", "until": "2026-03-01T00:06:00Z"}
    for wanted in ({}, {"patient": "Everyone"}):
        assert listed(gateway, **span, **wanted, limit=2) == [str(march[number].id) for number in (5, 4, 3)]


def test_a_look_at_the_access_log_is_in_it_too(gateway: Client, march: list[AccessRecord], noted: Noted) -> None:
    gateway.get(LOG, {"patient": "P1"})
    [found] = noted()
    assert (found.action, found.row_count, json.loads(found.patients)) == ("access.list", 8, ["P1"])


def test_it_needs_a_permission_of_its_own(gateway: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    assert_problem(gateway.get(LOG), 401, "not-signed-in")
    for codename, status in (("view_inferencelog", 403), ("view_accesslog", 200)):
        user = User.objects.create_user(codename)
        for each in (codename, "access_all_doctors"):
            user.user_permissions.add(Permission.objects.get(codename=each))
        gateway.force_login(user)
        for path in (LOG, f"{LOG}export/"):
            assert gateway.get(path).status_code == status


def test_a_caller_of_some_doctors_sees_no_entry(gateway: Client, march: list[AccessRecord], settings: Settings) -> None:
    settings.API_AUTH = "required"
    user = User.objects.create_user("dr-0", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_accesslog"))
    gateway.force_login(user)
    for query in ("", "?patient=P1"):
        assert gateway.get(f"{LOG}{query}").json() == []
    assert "inference.list" not in gateway.get("/admin/accounts/accesslog/").content.decode()


def test_it_refuses_a_parameter_that_it_does_not_have(gateway: Client) -> None:
    for url in (f"{LOG}?patients=P", f"{LOG}export/?limit=1", f"{LOG}export/?bom=yes", f"{LOG}export/?format=parquet"):
        assert_problem(gateway.get(url), 400, "bad-input")


def exported(client: Client, **query: str) -> bytes:
    return b"".join(client.get(f"{LOG}export/", query).streaming_content)  # type: ignore[attr-defined]


def test_csv_has_the_columns_that_access_records_are_asked_for(gateway: Client) -> None:
    insert_access(patients=["=SUM(A1)", "김"], purpose="진료", account="dr-kim")
    text = exported(gateway, format="csv").decode()
    [row] = csv.DictReader(io.StringIO(text))
    assert list(row)[:6] == ["account", "time", "address", "subject", "action", "reason"]
    assert (row["account"], row["subject"], row["action"], row["reason"]) == (
        "dr-kim",
        "=SUM(A1); 김",
        "inference.list",
        "진료",
    )
    safe = exported(gateway, format="csv", bom="1", safe_cells="1", patient="김")
    assert safe.startswith(b"\xef\xbb\xbfaccount,time,")
    assert "'=SUM(A1); 김" in safe.decode()


def test_ndjson_is_what_the_list_shows(gateway: Client, march: list[AccessRecord]) -> None:
    lines = [json.loads(line) for line in exported(gateway, patient="P1").splitlines()]
    assert lines == gateway.get(LOG, {"patient": "P1"}).json()
    assert lines[0]["patients"] == ["P1", "Everyone"]


ACTIONS = [
    "inference.list",
    "inference.read",
    "feedback.create",
    "dataset.export",
    "session.sign-in",
    "session.sign-out",
    "rights.change",
    "prediction.failed",
    "model.promote",
]


def test_fhir_lines_are_valid_audit_events(gateway: Client) -> None:
    for number, action in enumerate(ACTIONS):
        insert_access(action=action, status=(200, 404, 503)[number % 3], patients=["김"] * (number % 2), detail="d")
    insert_access(account="", token_id="", address="", doctors=[], route="", method="", request_id="")
    insert_access(token_id="t", purpose="진료", filters='{"patient": "김"}')
    lines = exported(gateway, format="fhir").splitlines()
    events: list[Any] = [AuditEvent.model_validate_json(line) for line in lines]
    assert len(events) == len(ACTIONS) + 2
    assert {event.outcome for event in events} == {"0", "4", "8"}
    assert events[0].purposeOfEvent[0].text == "진료"
    assert events[0].agent[0].altId == "t"
    assert [entity.role.display for entity in events[0].entity] == ["Patient", "Practitioner", "Query"]
    codes = {event.subtype[-1].code: event.type.code for event in events}
    assert codes == {
        "inference.list": "110112",
        "inference.read": "110110",
        "feedback.create": "110110",
        "dataset.export": "110106",
        "session.sign-in": "110114",
        "session.sign-out": "110114",
        "rights.change": "110113",
        "prediction.failed": "rest",
        "model.promote": "rest",
    }


def test_each_look_up_reads_one_range_of_an_index(gateway: Client) -> None:
    for number in range(300):
        insert_access(patients=[f"P{number % 100}"], doctors=["Dr. Kim"], account=f"a{number % 100}")
    if connection.vendor == "postgresql":  # it would read a table of a few pages as a whole
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    for query in ({"patient": "P7"}, {"patient": "P7", "account": "a7"}, {"account": "a7"}, {"limit": "1"}):
        for table in (AccessSubject._meta.db_table, AccessLog._meta.db_table):
            for cost in query_costs(partial(gateway.get, LOG, query), table):
                assert cost.rows <= 60, (query, cost)


def test_the_command_answers_in_a_table(gateway: Client, march: list[AccessRecord]) -> None:
    out = StringIO()
    call_command("access_log", patient="P1", since="2026-03-01", until="2026-04-01", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1 + 8
    assert lines[0].split()[:3] == ["time", "account", "address"]
    assert lines[1].split()[:5] == ["2026-03-01", "00:22:00", "account-2", "192.0.2.7", "inference.list"]


def test_the_command_is_noted(gateway: Client, noted: Noted) -> None:
    call_command("access_log", patient="P1", stdout=StringIO())
    [found] = noted()
    assert (found.action, json.loads(found.patients), found.account[:3]) == ("access.list", ["P1"], "os:")


def test_the_admin_shows_and_searches_it(gateway: Client, march: list[AccessRecord]) -> None:
    gateway.force_login(User.objects.create_superuser("admin"))
    path = "/admin/accounts/accesslog/"
    assert gateway.get(path).content.decode().count("inference.list") >= 24
    assert gateway.get(path, {"q": "P1"}).content.decode().count("inference.list") == 8
    page = gateway.get(f"{path}{march[0].id}/change/").content.decode()
    assert "Everyone" in page
    assert gateway.post(f"{path}{march[0].id}/delete/", {"post": "yes"}).status_code == 403
