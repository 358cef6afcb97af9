"""`GET /ml/v1/history/`: filters, response format, and refused queries."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from common import person_names
from common.ids import uuid7
from common.paging import PAGE_BYTES
from recording.history import Cursor
from tests.support.inference_rows import FRAGMENTS, NOON, insert_row

pytestmark = pytest.mark.django_db

HISTORY = "/ml/v1/history/"
MIB = 1024 * 1024
KIM_COMPOSED, KIM_DECOMPOSED = "\uae40\ubbfc\uc900", "\u1100\u1175\u11b7\u1106\u1175\u11ab\u110c\u116e\u11ab"


def ask(client: Client, **query: str) -> Any:
    return client.get(f"{HISTORY}?{urlencode(query)}")


def found(client: Client, **query: str) -> list[str]:
    response = ask(client, **query)
    assert response.status_code == 200, response.content
    return [row["request_id"] for row in response.json()]


def faults(response: Any) -> list[str]:
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert response["Cache-Control"] == "no-store"
    errors = response.json()["errors"]
    assert all(set(error) == {"pointer", "detail"} and error["detail"] for error in errors)
    return [error["pointer"] for error in errors]


@pytest.fixture
def four(db: None) -> None:
    """Two doctors with two patients, oldest first."""
    for minute, (doctor, patient) in enumerate([("Kim", "Lee"), ("Kim", "Cho"), ("Han", "Lee"), ("Han", "Cho")]):
        predicted_at = NOON + timedelta(minutes=minute)
        insert_row(
            doctor_name=doctor, patient_name=patient, predicted_at=predicted_at, request_id=f"{doctor}-{patient}"
        )


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"doctor": "Kim"}, ["Kim-Cho", "Kim-Lee"]),
        ({"patient": "Lee"}, ["Han-Lee", "Kim-Lee"]),
        ({"doctor": "Kim", "patient": "Lee"}, ["Kim-Lee"]),
        ({"doctor": "Kim", "patient": ""}, ["Kim-Cho", "Kim-Lee"]),
        ({"doctor": " \t", "patient": "Lee"}, ["Han-Lee", "Kim-Lee"]),
        ({}, ["Han-Cho", "Han-Lee", "Kim-Cho", "Kim-Lee"]),
        ({"doctor": "", "patient": " "}, ["Han-Cho", "Han-Lee", "Kim-Cho", "Kim-Lee"]),
        ({"doctor": "Nobody"}, []),
        ({"doctor": "Lee"}, []),
        ({"doctor": "kim"}, []),
        ({"doctor": "Ki"}, []),
        ({"doctor": "Kim%"}, []),
        ({"doctor": "Kim", "patient": "lee"}, []),
    ],
)
def test_it_finds_full_names_newest_first(client: Client, query: dict[str, str], expected: list[str]) -> None:
    assert found(client, **query) == expected


@pytest.mark.parametrize("kept", [KIM_COMPOSED, KIM_DECOMPOSED])
@pytest.mark.parametrize("asked", [KIM_COMPOSED, KIM_DECOMPOSED, f"  {KIM_DECOMPOSED}\u3000"])
def test_it_finds_a_name_in_any_unicode_form(client: Client, kept: str, asked: str) -> None:
    insert_row(doctor_name=person_names.canonical(kept), request_id="r1")
    insert_row(patient_name=person_names.canonical(f" {kept} "), doctor_name="other", request_id="r2")
    assert found(client, doctor=asked) == ["r1"]
    assert found(client, patient=asked) == ["r2"]
    assert ask(client, doctor=asked).json()[0]["doctor_name"] == KIM_COMPOSED


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100))
@example("a\u0301\u0323")
@example("%_'\"\\;--")
@example("\ufffd")
def test_it_finds_any_name_that_a_prediction_may_carry(client: Client, name: str) -> None:
    try:
        canonical = person_names.canonical(name)
    except person_names.BadName:
        return
    request_id = str(uuid7())
    insert_row(doctor_name=canonical, patient_name=canonical, request_id=request_id)
    assert request_id in found(client, doctor=name, patient=name, limit="1")


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("docter=Kim", ["docter"]),
        ("Doctor=Kim", ["Doctor"]),
        ("doctor=Kim&doctor=Kim", ["doctor"]),
        ("doctor=&doctor=Kim", ["doctor"]),
        ("doctor=a%00b", ["doctor"]),
        ("patient=" + "x" * 101, ["patient"]),
        ("doctor=M%FCller", ["doctor"]),
        ("doctor=%ED%A0%80", ["doctor"]),
        ("limit=0", ["limit"]),
        ("limit=1001", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=1.0", ["limit"]),
        ("limit=%D9%A1", ["limit"]),
        ("limit=" + "9" * 5000, ["limit"]),
        ("since=yesterday", ["since"]),
        ("since=2026-13-01", ["since"]),
        ("until=2026-02-30T00:00Z", ["until"]),
        ("until=0001-01-01T00:00:00%2B09:00", ["until"]),
        ("since=9999-12-31T23:59:59-09:00", ["since"]),
        ("since=1767225600", ["since"]),
        ("cursor=abc", ["cursor"]),
        ("cursor=%00", ["cursor"]),
        ("cursor=MTIz&limit=x&what=1", ["cursor", "limit", "what"]),
    ],
)
def test_it_refuses_an_invalid_query(client: Client, query: str, pointers: list[str]) -> None:
    assert faults(client.get(f"{HISTORY}?{query}")) == pointers


@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=60),
        st.builds(
            lambda moment, row_id: Cursor(time=moment, id=row_id).opaque(),
            st.datetimes(timezones=st.timezones()),
            st.uuids(),
        ),
    )
)
def test_any_cursor_is_accepted_or_refused(client: Client, cursor: str) -> None:
    response = client.get(f"{HISTORY}?cursor={quote(cursor, errors='replace')}")
    assert response.status_code == 200 or faults(response) == ["cursor"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("since=2026-03-01T12:02:00Z", ["3", "2"]),
        ("since=2026-03-01T12:02:00.000001Z", ["3"]),
        ("until=2026-03-01T12:02:00Z", ["1", "0"]),
        ("until=2026-03-01T12:02:00.000001Z", ["2", "1", "0"]),
        ("since=2026-03-01T12:01Z&until=2026-03-01T12:03Z", ["2", "1"]),
        ("since=2026-03-01T12:03Z&until=2026-03-01T12:01Z", []),
        ("since=2026-03-01T12:02", ["3", "2"]),
        ("since=2026-03-01+12:02", ["3", "2"]),
        ("since=2026-03-01T21:02:00%2B09:00", ["3", "2"]),
        ("since=2026-03-01T21:02:00+09:00", ["3", "2"]),
        ("since=2026-03-01+21:02:00+09:00", ["3", "2"]),
        ("since=2026-03-01T07:02:00-05:00", ["3", "2"]),
        ("since=2026-03-02T02:02:00%2B14:00", ["3", "2"]),
        ("since=2026-03-01", ["3", "2", "1", "0"]),
        ("until=2026-03-01", []),
        ("since=&until=", ["3", "2", "1", "0"]),
    ],
)
@pytest.mark.parametrize("who", ["", "&doctor=Dr.+Kim", "&patient=Lee", "&doctor=Dr.+Kim&patient=Lee"])
def test_it_filters_by_time(client: Client, query: str, expected: list[str], who: str) -> None:
    for minute in range(4):
        insert_row(predicted_at=NOON + timedelta(minutes=minute), request_id=str(minute))
    response = client.get(f"{HISTORY}?{query}{who}")
    assert [row["request_id"] for row in response.json()] == expected


def test_it_orders_by_time_and_then_by_id(client: Client) -> None:
    order = [(0, 5), (1, 2), (1, 9), (1, 4), (2, 1)]
    for minute, number in order:
        insert_row(id=UUID(int=number), predicted_at=NOON + timedelta(minutes=minute), request_id=f"{minute}.{number}")
    newest_first = ["2.1", "1.9", "1.4", "1.2", "0.5"]
    assert found(client) == newest_first
    one_by_one, url = [], f"{HISTORY}?limit=1&doctor=Dr.+Kim"
    while url:
        response = client.get(url)
        one_by_one += [row["request_id"] for row in response.json()]
        url = next_of(response)
    assert one_by_one == newest_first


def next_of(response: Any) -> str:
    if "Link" not in response:
        return ""
    target, _, rest = response["Link"].partition(">")
    assert rest == '; rel="next"'
    parts = urlsplit(target.removeprefix("<"))
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "testserver", HISTORY)
    return f"{parts.path}?{parts.query}"


def test_it_links_the_next_page_and_keeps_the_query(client: Client) -> None:
    doctor = 'O\'Neil & <S\u00f6hne>; "x" = +%'
    for minute in range(6):
        insert_row(doctor_name=doctor, predicted_at=NOON + timedelta(minutes=minute), request_id=str(minute))
        insert_row(doctor_name="other", predicted_at=NOON + timedelta(minutes=minute))
    asked = {"doctor": f" {doctor}", "patient": "", "since": "2026-03-01T21:01:00+09:00", "limit": "2"}
    first = ask(client, **asked)
    second = client.get(next_of(first))
    third = client.get(next_of(second))
    assert [[row["request_id"] for row in page.json()] for page in (first, second, third)] == [
        ["5", "4"],
        ["3", "2"],
        ["1"],
    ]
    assert "Link" not in third


def test_it_has_no_next_page_if_the_last_page_is_exactly_full(client: Client) -> None:
    for _ in range(3):
        insert_row()
    assert "Link" not in ask(client, limit="3")
    assert "Link" in ask(client, limit="2")
    assert len(ask(client).json()) == 3
    assert ask(client, doctor="nobody").json() == []


def test_a_page_has_100_rows_by_default(client: Client) -> None:
    for _ in range(101):
        insert_row()
    assert len(ask(client).json()) == 100
    assert len(ask(client, limit="1000").json()) == 101


def test_it_respects_an_until_that_is_earlier_than_the_cursor(client: Client) -> None:
    for minute in range(3):
        insert_row(predicted_at=NOON + timedelta(minutes=minute), request_id=str(minute))
    cursor = Cursor(time=NOON + timedelta(minutes=2), id=UUID(int=0)).opaque()
    assert found(client, cursor=cursor) == ["1", "0"]
    assert found(client, cursor=cursor, until="2026-03-01T12:01Z") == ["0"]


def test_it_ends_a_page_at_8_mib_and_loads_no_more_than_the_page(client: Client) -> None:
    for minute in range(7):
        text = json.dumps("x" * (3 * MIB))
        insert_row(input_data=text, predicted_at=NOON + timedelta(minutes=minute), request_id=str(minute))
    url, pages = f"{HISTORY}?limit=1000", []
    tracemalloc.start()
    while url:
        response = client.get(url)
        assert len(response.content) <= PAGE_BYTES
        pages.append([row["request_id"] for row in json.loads(response.content)])
        url = next_of(response)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pages == [["6", "5"], ["4", "3"], ["2", "1"], ["0"]]
    assert peak < 60 * MIB  # all seven rows as text, as bytes and parsed would take more


def test_it_shows_a_row_that_is_larger_than_a_page(client: Client) -> None:
    for number in range(2):
        insert_row(input_data=json.dumps("x" * (PAGE_BYTES + 1)), request_id=str(number), predicted_at=NOON)
    first = ask(client)
    assert len(first.json()) == 1
    assert len(client.get(next_of(first)).json()) == 1


@pytest.mark.parametrize("what", FRAGMENTS)
def test_it_returns_json_texts_unchanged(client: Client, what: str) -> None:
    text = FRAGMENTS[what]
    row_id = insert_row(input_data=text, output_data=f"[{text[:]}]" if what != "depth" else text).id
    for path in (HISTORY, f"{HISTORY}{row_id}/"):
        body = client.get(path).content.decode()
        assert f'"input_data":{text},"output_data":' in body
        assert json.loads(body, parse_int=str, parse_float=str)


SURROGATE_FREE = st.text(st.characters(exclude_categories=["Cs"]))


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | SURROGATE_FREE,
        lambda inner: st.lists(inner) | st.dictionaries(SURROGATE_FREE, inner),
        max_leaves=20,
    ),
    st.booleans(),
)
def test_it_returns_any_json_as_the_same_value(client: Client, value: Any, ascii_only: bool) -> None:
    row_id = insert_row(
        input_data=json.dumps(value, ensure_ascii=ascii_only), output_data=json.dumps(value, indent=1)
    ).id
    row = client.get(f"{HISTORY}{row_id}/").json()
    assert (row["input_data"], row["output_data"]) == (value, value)


def test_it_has_the_contracts_members(client: Client) -> None:
    record = insert_row(input_data='{"x": 1}', output_data="[2]", caller="ward-3", latency_ms=12.25)
    row = client.get(f"{HISTORY}{record.id}/").json()
    created_at = row.pop("created_at")
    assert row == {
        "id": str(record.id),
        "doctor_name": "Dr. Kim",
        "patient_name": "Lee",
        "input_data": {"x": 1},
        "output_data": [2],
        "predicted_at": "2026-03-01T12:00:00Z",
        "latency_ms": 12.25,
        "model_name": "stub",
        "model_version": "7",
        "request_id": "r",
        "caller": "ward-3",
    }
    assert created_at.endswith("Z")


def test_it_is_never_cached(client: Client) -> None:
    row_id = insert_row().id
    for path in (HISTORY, f"{HISTORY}{row_id}/", f"{HISTORY}?limit=x", f"{HISTORY}{uuid7()}/"):
        assert client.get(path)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_only_reads(client: Client, method: str) -> None:
    response = getattr(client, method)(HISTORY)
    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_options_lists_the_methods(client: Client) -> None:
    for path in (HISTORY, f"{HISTORY}{insert_row().id}/"):
        response = client.options(path)
        assert response.status_code == 200
        assert set(response["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_it_answers_head_like_get_without_a_body(client: Client) -> None:
    for _ in range(2):
        insert_row()
    path = f"{HISTORY}?limit=1"
    asked, told = client.get(path), client.head(path)
    assert (told.status_code, told.content) == (200, b"")
    assert told["Link"] == asked["Link"]
    assert told["Content-Length"] == str(len(asked.content))


@pytest.mark.parametrize(
    ("row_id", "kind"),
    [(str(UUID(int=1)), "no-such-record"), ("1", "unknown-path"), ("x" * 36, "unknown-path")],
)
def test_an_unknown_inference_is_a_404(client: Client, row_id: str, kind: str) -> None:
    insert_row()
    response = client.get(f"{HISTORY}{row_id}/")
    assert response.status_code == 404
    assert response.json()["type"] == f"urn:ml-proxy:problem:{kind}"


def test_it_refuses_parameters_of_one_inference(client: Client) -> None:
    assert faults(client.get(f"{HISTORY}{insert_row().id}/?doctor=Kim")) == ["doctor"]


@pytest.fixture
def sign_in(client: Client, settings: Settings) -> Callable[..., None]:
    """With API_AUTH=required: signs in a user with the given permissions."""
    settings.API_AUTH = "required"

    def sign(*permissions: str) -> None:
        user = User.objects.create_user("reader", password="a long pass phrase")
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)

    return sign


@pytest.mark.parametrize("path", [HISTORY, f"{HISTORY}{UUID(int=3)}/"])
def test_it_requires_the_permission_to_read(client: Client, sign_in: Callable[..., None], path: str) -> None:
    insert_row(id=UUID(int=3))
    refused = client.get(path)
    assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")
    assert refused["WWW-Authenticate"].startswith("Bearer ")
    assert client.get(path, headers={"Authorization": "Basic bm9ib2R5Ong="}).status_code == 401
    sign_in("view_job")
    refused = client.get(path)
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    User.objects.get().user_permissions.set(
        Permission.objects.filter(codename__in=["view_inferencelog", "access_all_doctors"])
    )
    assert client.get(path).status_code == 200
