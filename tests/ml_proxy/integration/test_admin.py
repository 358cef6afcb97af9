"""The admin: permissions, what it shows, and its query cost on a long log."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from attachments import descriptors
from attachments.descriptors import Part
from common.admin_base import READ_CHARS
from common.ids import uuid7
from jobs.models import Job
from ml_proxy.models import Feedback, InferenceLog
from recording.models import Disposition
from tests.support.access_log import Noted
from tests.support.inference_rows import NOON, insert_row, insert_rows
from tests.support.query_plans import Cost, query_costs

pytestmark = pytest.mark.django_db

LOG, FEEDBACK = "/admin/ml_proxy/inferencelog/", "/admin/ml_proxy/feedback/"
JOBS, DISPOSITIONS = "/admin/jobs/job/", "/admin/recording/disposition/"
PER_PAGE = 50


@pytest.fixture
def admin(client: Client) -> Client:
    """A client signed in with all permissions."""
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    """A client signed in with permission to view only the log."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_inferencelog", "access_all_doctors"]))
    client.force_login(user)
    return client


def listed(client: Client, path: str = LOG, **query: str) -> list[str]:
    """Returns the ids in a list, in order."""
    return ids_in(client.get(path, query), path)


def ids_in(response: Any, path: str) -> list[str]:
    assert response.status_code == 200, response
    return re.findall(rf'<th class="field-[a-z_ ]+"><a href="{path}([^/]+)/change/', response.content.decode())


def shown_payloads(client: Client, path: str) -> list[str]:
    response = client.get(path)
    assert response.status_code == 200
    return [html.unescape(text) for text in re.findall("<pre>(.*?)</pre>", response.content.decode(), re.DOTALL)]


def make_job(**given: Any) -> Job:
    return Job.objects.create(**{"kind": "retrain", "state": Job.State.FAILED, **given})


def make_quarantined(payload: bytes) -> Disposition:
    return Disposition.objects.create(
        origin=uuid7(), sequence=7, kind="quarantined", payload=payload, reason="it can't be read",
        digest=b"", seal=b"", disposition_seal=b"",
    )  # fmt: skip


def make_verdict(**given: Any) -> Feedback:
    values = {"inference_id": uuid7(), "verdict": "agree", "predicted_at": NOON, "recorded_at": NOON}
    return Feedback.objects.create(position=Feedback.last_position() + 1, **values | given)


@pytest.mark.parametrize("path", [LOG, JOBS, DISPOSITIONS, FEEDBACK])
def test_it_requires_sign_in(client: Client, path: str) -> None:
    insert_row(doctor_name="Dr. Seen")
    for where in (path, f"{path}1/change/", f"{path}{uuid7()}/change/"):
        response = client.get(where)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


def test_it_shows_each_person_only_what_they_may_view(reader: Client) -> None:
    row_id = insert_row().id
    assert listed(reader) == [str(row_id)]
    assert reader.get(f"{LOG}{row_id}/change/").status_code == 200
    assert reader.get(JOBS).status_code == 403
    assert reader.get(DISPOSITIONS).status_code == 403
    assert reader.get(FEEDBACK).status_code == 403
    User.objects.get().user_permissions.clear()
    assert reader.get(LOG).status_code == 403
    assert reader.get(f"{LOG}{row_id}/change/").status_code in {403, 404}


@pytest.mark.parametrize("model", [InferenceLog, Job, Disposition, Feedback])
def test_it_refuses_every_change(admin: Client, model: type[InferenceLog | Job | Disposition | Feedback]) -> None:
    rows: dict[Any, Any] = {
        InferenceLog: insert_row,
        Job: make_job,
        Disposition: partial(make_quarantined, b"{}"),
        Feedback: make_verdict,
    }
    rows[model]()
    before = model.objects.values().get()
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    asked = {"doctor_name": "x", "patient_name": "x", "reason": "x", "state": "queued", "post": "yes"}
    for where in ("add/", f"{before['id']}/change/", f"{before['id']}/delete/"):
        assert admin.post(f"{path}{where}", asked).status_code == 403
    assert admin.get(f"{path}add/").status_code == 403
    assert admin.get(f"{path}{before['id']}/delete/").status_code == 403
    asked = {"action": "delete_selected", "_selected_action": str(before["id"]), "post": "yes"}
    assert admin.post(path, asked).status_code in {200, 302, 403}
    assert model.objects.values().get() == before


def test_it_lists_newest_first_with_the_main_columns(admin: Client) -> None:
    rows = [
        insert_row(predicted_at=NOON + timedelta(minutes=minute), doctor_name=f"Dr. {minute}") for minute in range(3)
    ]
    response = admin.get(LOG)
    assert ids_in(response, LOG) == [str(row.id) for row in reversed(rows)]
    page = response.content.decode()
    for text in ("2026-03-01 12:02:00.000", "Dr. 2", "Lee", "stub", "7", "1.5 ms"):
        assert f">{text}<" in page


def test_it_lists_verdicts_newest_first_without_reading_the_log(admin: Client) -> None:
    made = [make_verdict(verdict="correct", label=f"label {number}", note="<seen>") for number in range(3)]
    assert listed(admin, FEEDBACK) == [str(verdict.pk) for verdict in reversed(made)]
    assert query_costs(partial(admin.get, FEEDBACK), "ml_proxy_inferencelog") == []
    page = admin.get(f"{FEEDBACK}{made[0].pk}/change/").content.decode()
    for text in ("label 0", "&lt;seen&gt;", str(made[0].inference_id)):
        assert text in page


def test_it_pages_by_cursor_while_rows_arrive(admin: Client) -> None:
    insert_rows(2 * PER_PAGE + 1, doctor="'Dr. Kim'", patient="'Lee'")
    seen: list[str] = []
    for query in ("", "?q=Dr.+Kim"):
        seen.clear()
        url = f"{LOG}{query}"
        while url:
            response = admin.get(url)
            seen += ids_in(response, LOG)
            insert_row(predicted_at=NOON + timedelta(days=1))
            older = re.search('<a href="([^"]+)" rel="next">Older', response.content.decode())
            url = f"{LOG}{html.unescape(older[1])}" if older else ""
        old = [int(UUID(row_id)) for row_id in seen if UUID(row_id).version != 7]
        assert old == list(reversed(range(2 * PER_PAGE + 1)))
    assert '">Newest</a>' in response.content.decode()


def test_it_links_no_older_rows_if_there_are_none(admin: Client) -> None:
    insert_rows(PER_PAGE, doctor="'Dr. Kim'", patient="'Lee'")
    page = admin.get(LOG).content.decode()
    assert "50 shown" in page
    assert "Older" not in page


@pytest.mark.parametrize("cursor", ["x", "2", "MjAyNg", str(UUID(int=1))])
def test_an_invalid_cursor_redirects_to_the_newest_rows(admin: Client, cursor: str) -> None:
    response = admin.get(LOG, {"p": cursor})
    assert (response.status_code, response["Location"]) == (302, f"{LOG}?e=1")


def test_the_page_about_a_wrong_address_is_a_page(admin: Client) -> None:
    response = admin.get(LOG, {"p": "x", "e": "1"})  # where the redirect leads if the cursor stays in the address
    assert response.status_code == 200


@pytest.mark.parametrize(("term", "named"), [("Lee", ["Lee"]), (str(UUID(int=1)), []), ("a\0b", []), (" ", [])])
def test_a_search_is_noted_with_whom_it_asks_for(noted: Noted, admin: Client, term: str, named: list[str]) -> None:
    assert listed(admin, q=term) == []
    found = noted()[-1]
    assert (found.action, json.loads(found.patients), json.loads(found.doctors)) == ("inference.list", named, named)


KIM, KIM_DECOMPOSED = "\uae40\ubbfc\uc900", "\u1100\u1175\u11b7\u1106\u1175\u11ab\u110c\u116e\u11ab"


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (KIM, [3, 2]),
        (f" {KIM_DECOMPOSED} ", [3, 2]),
        ("Lee", [2, 1]),
        ("lee", []),
        ("Le", []),
        ("%", []),
        (str(UUID(int=1)), [1]),
        (UUID(int=1).hex.upper(), [1]),
        (str(UUID(int=9)), []),
        ("x" * 101, []),
        ("a\x01b", []),
        ("  ", [3, 2, 1]),
    ],
)
def test_it_finds_full_names_and_ids(admin: Client, term: str, expected: list[int]) -> None:
    for number, (doctor, patient) in enumerate([("Dr. Han", "Lee"), (KIM, "Lee"), (KIM, KIM)], 1):
        insert_row(
            id=UUID(int=number), predicted_at=NOON + timedelta(minutes=number), doctor_name=doctor, patient_name=patient
        )
    assert [UUID(row_id).int for row_id in listed(admin, q=term)] == expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [("hour", 1), ("day", 2), ("week", 3), ("month", 4), ("year", 5), ("", 6), ("aeon", 6)],
)
@pytest.mark.parametrize("term", ["", "Lee"])
def test_it_filters_by_time(admin: Client, within: str, expected: int, term: str) -> None:
    for days in (0, 0.5, 5, 20, 200, 2000):
        insert_row(predicted_at=datetime.now(UTC) - timedelta(days=days))
    assert len(listed(admin, within=within, q=term)) == expected


@pytest.mark.parametrize(
    "query", [{"input_data__contains": "x"}, {"latency_ms__gt": "1"}, {"caller": "x"}, {"doctor_name__icontains": "x"}]
)
def test_it_refuses_a_lookup_that_would_scan_the_table(admin: Client, query: dict[str, str]) -> None:
    insert_row()
    assert admin.get(LOG, query).status_code == 400


QUERIES: list[tuple[dict[str, str], str]] = [
    ({}, "inference_newest"),
    ({"o": "5.2"}, "inference_newest"),
    ({"all": ""}, "inference_newest"),
    ({"_facets": "True"}, "inference_newest"),
    ({"within": "day"}, "inference_newest"),
    ({"within": "year"}, "inference_newest"),
    ({"q": "Dr. Half"}, "inference_by_doctor"),
    ({"q": "Half"}, "inference_by_patient"),
    ({"q": "Dr. Half", "within": "hour"}, "inference_by_doctor"),
]
DOCTOR = "CASE WHEN i % 2 = 0 THEN 'Dr. Half' ELSE 'Dr. ' || i % 50 END"
PATIENT = "CASE WHEN i % 2 = 1 THEN 'Half' ELSE 'P' || i % 500 END"


@pytest.mark.parametrize(("query", "index"), QUERIES)
def test_it_reads_one_page_without_counting(admin: Client, query: dict[str, str], index: str) -> None:
    insert_rows(20_000, doctor=DOCTOR, patient=PATIENT, start=datetime.now(UTC) - timedelta(seconds=20_000))
    costs = list_costs(admin, urlencode(query))
    assert any(index in cost.plan for cost in costs), costs


def test_it_reads_no_more_on_the_tenth_page(admin: Client) -> None:
    insert_rows(20_000, doctor=DOCTOR, patient=PATIENT)
    for query in ("", "q=Half"):
        url = query
        for _ in range(10):
            older = re.search(r'<a href="\?([^"]+)" rel="next"', admin.get(f"{LOG}?{url}").content.decode())
            assert older
            url = html.unescape(older[1])
        bounded = [cost for cost in list_costs(admin, url) if "predicted_at" in cost.plan]
        assert bounded, "the place bounds no index"


def list_costs(admin: Client, query: str) -> list[Cost]:
    """Returns the query cost of a list and checks that it reads only one page."""
    costs = query_costs(partial(listed, admin, f"{LOG}?{query}"), "ml_proxy_inferencelog")
    assert costs
    for cost in costs:
        assert "COUNT(" not in cost.sql
        assert "OFFSET" not in cost.sql
        assert "input_data" not in cost.sql
        assert cost.rows <= 130, cost  # a page of doctors and one of patients, at most
        # Only rows found by id may be sorted. For a name that nobody has, PostgreSQL may plan to sort none.
        assert "Sort" not in cost.plan or '"id" IN (' in cost.sql or cost.rows == 0, cost
        assert "TEMP B-TREE" not in cost.plan or '"id" IN (' in cost.sql, cost
    return costs


FRAGMENTS = {
    "a NUL escape": r'["\u0000"]',
    "a lone surrogate": r'["\ud800"]',
    "numbers": "[1e999,-0,0.10,12345678901234567890123]",
    "depth": "[" * 512 + "]" * 512,
    "members given twice": '{"a":1,"a":2}',
}


@pytest.mark.parametrize("what", FRAGMENTS)
def test_it_shows_the_same_json(admin: Client, what: str) -> None:
    text = FRAGMENTS[what]
    row_id = insert_row(input_data=text, output_data=text).id
    for shown in shown_payloads(admin, f"{LOG}{row_id}/change/"):
        assert "".join(shown.split()) == text
        assert shown.count("\n") > 1


def test_it_shows_escaped_korean(admin: Client) -> None:
    row_id = insert_row(input_data=json.dumps({"doctor_name": KIM})).id
    assert shown_payloads(admin, f"{LOG}{row_id}/change/")[0] == f'{{\n  "doctor_name": "{KIM}"\n}}'


SCRIPT = '<script>alert("1")</script>'


def test_it_escapes_markup_in_payloads(admin: Client) -> None:
    insert_row(
        id=UUID(int=5),
        doctor_name=SCRIPT,
        patient_name=SCRIPT,
        model_name=SCRIPT,
        model_version=SCRIPT,
        request_id=SCRIPT,
        caller=SCRIPT,
        input_data=json.dumps({SCRIPT: SCRIPT}),
        output_data=r'"\u003cscript\u003ealert(1)"',
    )
    job = make_job(params=json.dumps(SCRIPT), result=json.dumps(SCRIPT), error=SCRIPT, message=SCRIPT)
    kept = make_quarantined(f'{{"a": {json.dumps(SCRIPT)}'.encode())
    for path, row_id in ((LOG, UUID(int=5)), (JOBS, job.pk), (DISPOSITIONS, kept.pk)):
        for where in (path, f"{path}?q={SCRIPT}", f"{path}{row_id}/change/"):
            page = admin.get(where).content.decode()
            assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_it_reads_only_the_start_of_a_large_payload(admin: Client) -> None:
    text = json.dumps(["x" * 10] * 300_000)
    row_id = insert_row(input_data=text).id
    costs = query_costs(partial(shown_payloads, admin, f"{LOG}{row_id}/change/"), "ml_proxy_inferencelog")
    assert all("SUBSTR" in cost.sql for cost in costs if "input_data" in cost.sql)
    response = admin.get(f"{LOG}{row_id}/change/")
    assert len(response.content) < 8 * READ_CHARS
    assert "This is the beginning" in response.content.decode()
    [shown, _] = shown_payloads(admin, f"{LOG}{row_id}/change/")
    assert text.startswith("".join(shown.removesuffix(" …").split()).replace(",", ", "))
    assert len(shown) > READ_CHARS


def test_it_limits_the_size_of_a_deeply_nested_payload(admin: Client) -> None:
    row_id = insert_row(input_data=f"[{','.join(['[' * 500 + ']' * 500] * 60)}]").id
    response = admin.get(f"{LOG}{row_id}/change/")
    assert response.status_code == 200
    assert len(response.content) < 1024 * 1024


def test_it_shows_jobs_and_dispositions(admin: Client) -> None:
    job = make_job(params='{"n":1e999}', result=None, error="It broke.")
    kept = make_quarantined(b'{"source":"x","n":1e999,\xff')
    assert listed(admin, JOBS) == [str(job.id)]
    assert listed(admin, DISPOSITIONS) == [str(kept.pk)]
    assert shown_payloads(admin, f"{JOBS}{job.id}/change/") == ['{\n  "n": 1e999\n}']
    [shown] = shown_payloads(admin, f"{DISPOSITIONS}{kept.pk}/change/")
    assert shown.startswith('{\n  "source": "x",\n  "n": 1e999,\n  ')
    assert "It broke." in admin.get(f"{JOBS}{job.id}/change/").content.decode()


@pytest.mark.parametrize("path", [JOBS, DISPOSITIONS, FEEDBACK])
def test_it_pages_through_the_other_tables(admin: Client, path: str) -> None:
    make: dict[str, Any] = {JOBS: make_job, DISPOSITIONS: partial(make_quarantined, b"{}")}
    for _ in range(PER_PAGE + 3):
        make.get(path, make_verdict)()
    first = admin.get(path)
    older = re.search('<a href="([^"]+)" rel="next">', first.content.decode())
    assert older
    second = ids_in(admin.get(f"{path}{html.unescape(older[1])}"), path)
    assert len(second) == 3
    assert len({*ids_in(first, path), *second}) == PER_PAGE + 3


@pytest.mark.parametrize("path", [LOG, JOBS, DISPOSITIONS, FEEDBACK])
@pytest.mark.parametrize("row_id", ["1", "x", "00000000-0000-0000-0000-000000000001"])
def test_an_unknown_row_is_reported(admin: Client, path: str, row_id: str) -> None:
    response = admin.get(f"{path}{row_id}/change/")
    assert response.status_code == 404


def test_it_opens_with_all_three(admin: Client) -> None:
    page = admin.get("/admin/").content.decode()
    assert all(path in page for path in (LOG, JOBS, DISPOSITIONS))
    assert "receipt" not in page.lower()


def test_verdicts_and_files_stand_beside_their_inference(admin: Client, reader: Client) -> None:
    row_id = uuid7(NOON)
    files = descriptors.describe(row_id, [Part("/image", "<b>.png", "image/png", b"picture")])
    row = insert_row(id=row_id, files=files)
    make_verdict(inference_id=row.id, verdict="correct", label="malignant", note="note of a doctor")
    make_verdict(note="on another inference")
    path = f"{LOG}{row.id}/change/"
    shown = reader.get(path).content.decode()
    assert "note of a doctor" not in shown  # no permission to see feedback
    admin.force_login(User.objects.get(username="admin"))
    shown = admin.get(path).content.decode()
    assert "note of a doctor" in shown
    assert "on another inference" not in shown
    assert "&lt;b&gt;.png</a> (image/png, 7 bytes)" in shown
    assert '<input type="submit"' not in shown


QUEUED: dict[str, Any] = {"state": Job.State.QUEUED, "queued_at": NOON, "resend_at": NOON}


def cancel(client: Client, *jobs: Job) -> str:
    form = {"action": "cancel", "_selected_action": [str(job.pk) for job in jobs]}
    return str(client.post(JOBS, form, follow=True).content.decode())


def test_jobs_can_be_cancelled(admin: Client, noted: Noted) -> None:
    queued, running, ended = make_job(**QUEUED), make_job(state="running"), make_job()
    shown = cancel(admin, queued, running, ended)
    assert f"{queued.pk}: cancelled" in shown
    assert f"{running.pk}: is being cancelled" in shown
    assert f"{ended.pk}: This job has already ended: failed." in shown
    assert Job.objects.get(pk=queued.pk).state == "cancelled"
    assert Job.objects.get(pk=running.pk).cancel_requested
    assert [entry.action for entry in noted()].count("job.cancel") == 2


def test_jobs_can_be_cancelled_by_those_who_may_only(reader: Client) -> None:
    User.objects.get(username="reader").user_permissions.add(Permission.objects.get(codename="view_job"))
    job = make_job(**QUEUED)
    assert "Cancel the selected jobs" not in reader.get(JOBS).content.decode()
    cancel(reader, job)
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_the_admin_has_the_projects_name(admin: Client) -> None:
    assert "ML Proxy" in admin.get("/admin/").content.decode()
