"""What the access log has of a look: who, when, from where, what, whom, and why; and what is never in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.access_log import note
from accounts.access_log.records import MAX_SUBJECTS, AccessRecord
from accounts.models import AccessLog
from common.access import REMEMBERED
from common.client_address import client_address
from ml_proxy.models import Feedback
from recording import recorder
from tests.support.access_log import Noted
from tests.support.databases import table_missing
from tests.support.feedback import feedback_path, model_answer
from tests.support.gateway import BODY, assert_problem, predict
from tests.support.inference_rows import insert_row, insert_rows
from tests.support.model import Conversation, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

HISTORY = "/ml/v1/history/"


def one(noted: Noted) -> AccessRecord:
    [found] = noted()
    return found


def people(record: AccessRecord) -> tuple[list[str], list[str]]:
    return json.loads(record.patients), json.loads(record.doctors)


def test_a_page_of_history_is_one_record_that_names_each_person_once(gateway: Client, noted: Noted) -> None:
    insert_rows(100, doctor="'Dr. ' || (i % 3)", patient="'P' || (i % 60)")
    response = gateway.get(f"{HISTORY}?since=2020-01-01", headers={"X-Request-ID": "req-1"}, REMOTE_ADDR="192.0.2.7")
    assert response.status_code == 200
    found = one(noted)
    assert (found.action, found.row_count, found.status, found.request_id) == ("inference.list", 100, 200, "req-1")
    assert (found.method, found.route, found.address) == ("GET", "ml/v1/history/", "192.0.2.7")
    assert json.loads(found.filters) == {"since": "2020-01-01 00:00:00+00:00"}
    patients, doctors = people(found)
    assert (len(patients), len(set(patients)), sorted(doctors)) == (60, 60, ["Dr. 0", "Dr. 1", "Dr. 2"])


def test_whom_a_look_asks_for_is_noted_even_if_nothing_is_found(gateway: Client, noted: Noted) -> None:
    assert gateway.get(HISTORY, {"patient": "김민준", "doctor": "Dr. Kim"}).json() == []
    assert people(one(noted)) == (["김민준"], ["Dr. Kim"])
    assert one(noted).row_count == 0


def test_it_names_the_account(gateway: Client, noted: Noted, settings: Settings) -> None:
    settings.API_AUTH = "required"
    gateway.force_login(User.objects.create_superuser("auditor"))
    gateway.get(HISTORY)
    assert [each.account for each in noted() if each.action == "inference.list"] == ["auditor"]


@pytest.mark.parametrize(
    ("trust", "forwarded", "address"),
    [
        (False, "203.0.113.9", "127.0.0.1"),
        (True, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (True, "203.0.113.9, nonsense", ""),
        (True, "", "127.0.0.1"),
        (True, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    settings: Settings, trust: bool, forwarded: str, address: str
) -> None:
    settings.TRUST_PROXY = trust
    assert client_address(RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})) == address


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("treatment", "treatment"), ("진료".encode().decode("latin-1"), "진료"), ("%EC%A7%84%EB%A3%8C", "진료"),
     ("100% sure", "100% sure")],
)  # fmt: skip
def test_it_has_the_callers_purpose(gateway: Client, noted: Noted, sent: str, kept: str) -> None:
    assert gateway.get(HISTORY, HTTP_X_PURPOSE=sent).status_code == 200
    assert one(noted).purpose == kept


@pytest.mark.parametrize("sent", ["x" * 201, "%00", "a%0Ab", "\xff\xfe"])
def test_it_refuses_a_purpose_that_cannot_be_kept(gateway: Client, noted: Noted, sent: str) -> None:
    members = assert_problem(gateway.get(HISTORY, HTTP_X_PURPOSE=sent), 400, "bad-input")
    assert members["errors"][0]["pointer"] == "X-Purpose"
    assert noted() == []


def test_a_purpose_that_cannot_be_kept_stores_no_verdict(gateway: Client, noted: Noted) -> None:
    path = feedback_path(insert_row(output_data=model_answer("benign")).id)
    body = {"verdict": "agree"}
    refused = gateway.post(path, body, content_type="application/json", HTTP_X_PURPOSE="x" * 201)
    assert_problem(refused, 400, "bad-input")
    assert (Feedback.objects.count(), noted()) == (0, [])


def test_a_look_is_refused_if_neither_journal_nor_database_takes_its_record(gateway: Client, tmp_path: Path) -> None:
    insert_row(patient_name="SECRET")
    (tmp_path / "journal").write_text("a file where the folder should be")
    with table_missing("accounts_accesslog"):
        response = gateway.get(HISTORY)
    assert_problem(response, 503, "not-recorded")
    assert b"SECRET" not in response.content


def test_a_record_is_written_directly_if_the_journal_has_no_room(gateway: Client, settings: Settings) -> None:
    settings.JOURNAL_MAX_BYTES = 64 * 1024
    recorder.reset()
    assert gateway.get(HISTORY).status_code == 200
    assert AccessLog.objects.get().action == "inference.list"


def test_a_look_at_very_many_people_makes_several_records(gateway: Client, noted: Noted) -> None:
    note(None, "test.list", rows=5, patients=[f"P{number}" for number in range(2 * MAX_SUBJECTS + 1)], doctors=["D"])
    found = noted()
    assert [len(people(each)[0]) for each in found] == [MAX_SUBJECTS, MAX_SUBJECTS, 1]
    assert [each.row_count for each in found] == [5, 0, 0]
    assert [people(each)[1] for each in found] == [["D"], [], []]
    assert {each.account.partition(":")[0] for each in found} == {"os"}


def test_an_export_notes_its_begin_its_people_and_its_end(gateway: Client, noted: Noted) -> None:
    insert_rows(2500, doctor="'Dr. Kim'", patient="'P' || (i % 1500)")
    body = b"".join(gateway.get(f"{HISTORY}export/?doctor=Dr.+Kim").streaming_content)  # type: ignore[attr-defined]
    begin, *parts, end = noted()
    assert body.count(b"\n") == 2500
    assert (begin.action, begin.filters) == ("inference.export", '{"doctor": "Dr. Kim"}')
    assert (end.action, end.row_count, end.detail) == ("inference.export-end", 2500, "complete")
    assert {each.action for each in parts} == {"inference.export-part"}
    named = [name for each in parts for name in people(each)[0]]
    assert (len(named), len(set(named))) == (1500, 1500)
    assert len({each.request_id for each in noted()}) == 1


def test_people_are_noted_before_the_part_with_them_leaves(gateway: Client, noted: Noted) -> None:
    insert_rows(2500, doctor="'Dr. Kim'", patient="'P' || i")
    response = gateway.get(f"{HISTORY}export/")
    seen: set[str] = set()
    for chunk in response.streaming_content:  # type: ignore[attr-defined]
        seen |= set(re.findall(r'"patient_name":"(P\d+)",', chunk.decode()))
        assert seen <= {name for each in noted() for name in people(each)[0]}
    assert len(seen) > 2000


def test_an_export_whose_reader_leaves_is_noted_as_cut_off(gateway: Client, noted: Noted) -> None:
    insert_rows(2500, doctor="'Dr. Kim'", patient="'P'")
    response: Any = gateway.get(f"{HISTORY}export/")
    next(iter(response.streaming_content))
    response.close()
    assert (noted()[-1].action, noted()[-1].detail) == ("inference.export-end", "cut off: the reader left")


def test_an_export_that_is_never_read_is_noted_as_cut_off(gateway: Client, noted: Noted) -> None:
    insert_row()
    gateway.get(f"{HISTORY}export/").close()
    assert [each.action for each in noted()] == ["inference.export", "inference.export-part", "inference.export-end"]
    assert noted()[-1].status == 499


def test_an_export_remembers_a_bounded_number_of_people() -> None:
    from common.access import _new  # noqa: PLC0415 - the only test that needs it

    remembered: dict[str, None] = {}
    for start in range(0, 2 * REMEMBERED, 1000):
        assert len(_new([f"P{number}" for number in range(start, start + 1000)], remembered)) == 1000
    assert len(remembered) == REMEMBERED


def answers(status: int) -> Any:
    def script(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}" % status)

    return script


def test_a_failed_prediction_is_noted_without_names_and_payload(
    gateway: Client, model: ScriptedModel, noted: Noted
) -> None:
    model.script = answers(422)
    assert predict(gateway, BODY).status_code == 422
    assert predict(gateway, {"doctor_name": "MARKER"}).status_code == 400
    refused, bad = noted()
    assert (refused.action, refused.status, refused.detail) == (
        "prediction.failed",
        422,
        "the model server answered 422",
    )
    assert (bad.action, bad.status, bad.detail) == ("prediction.failed", 400, "bad-input")
    assert people(refused) == people(bad) == ([], [])
    assert "MARKER" not in "".join(map(str, noted()))


def test_a_prediction_that_succeeds_is_not_noted(gateway: Client, noted: Noted) -> None:
    assert predict(gateway, BODY).status_code == 200
    assert noted() == []


def test_strangers_cannot_fill_the_log(gateway: Client, noted: Noted, settings: Settings) -> None:
    settings.API_AUTH = "required"
    for _ in range(100):
        assert predict(gateway, BODY).status_code == 401
    found = noted()
    assert 0 < len(found) < 60
    assert {(each.account, each.status) for each in found} == {("(unknown)", 401)}
