"""The paths that `recording.urls` makes for a source, seen with inferences, whose own paths they must agree with."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from pytest_django import Settings

from common import problem_details
from ml_proxy.source import INFERENCES
from recording.urls import paths
from tests.support.inference_rows import insert_row, insert_rows

pytestmark = pytest.mark.django_db

urlpatterns = [path("rows/", include(paths(INFERENCES, ""))), path("ml/v1/", include("ml_proxy.urls"))]
handler404 = problem_details.page_not_found
QUERIES = [
    "",
    "doctor=Dr.+Kim",
    "patient=P1&doctor=Dr.+Kim",
    "since=2026-03-01T12:00:05Z",
    "until=2026-03-01T12:00:05Z",
]


@pytest.fixture(autouse=True)
def mounted(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


def body(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content) if response.streaming else bytes(response.content)


@pytest.mark.parametrize("query", QUERIES)
def test_they_answer_as_the_paths_of_inferences(client: Client, query: str) -> None:
    insert_rows(10, doctor="'Dr. Kim'", patient="'P' || (i % 3)")
    for own, theirs in (("/rows/", "/ml/v1/history/"), ("/rows/export/", "/ml/v1/history/export/")):
        found = body(client.get(f"{own}?{query}"))
        assert found == body(client.get(f"{theirs}?{query}"))
        assert b"Kim" in found


def test_pages_follow_each_other(client: Client) -> None:
    insert_rows(7, doctor="'Dr. Kim'", patient="'Lee'")
    seen, url = [], "/rows/?doctor=Dr.+Kim&limit=3"
    while url:
        response = client.get(url)
        seen += [UUID(row["id"]).int for row in json.loads(body(response))]
        url = response.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
    assert seen == [*range(6, -1, -1)]


def test_one_row_is_found_by_its_id(client: Client) -> None:
    row = insert_row()
    assert json.loads(body(client.get(f"/rows/{row.id}/")))["id"] == str(row.id)
    problem_of(client.get(f"/rows/{UUID(int=1)}/"), 404)
    problem_of(client.get(f"/rows/{row.id}/?limit=1"), 400)


@pytest.mark.parametrize(
    ("url", "pointer"),
    [("/rows/?docter=x", "docter"), ("/rows/?format=csv", "format"), ("/rows/export/?limit=1", "limit")],
)
def test_they_refuse_a_parameter_that_they_do_not_have(client: Client, url: str, pointer: str) -> None:
    assert problem_of(client.get(url), 400)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("url", ["/rows/", f"/rows/{UUID(int=1)}/", "/rows/export/"])
def test_they_are_for_those_who_may_read_the_source(client: Client, settings: Settings, url: str) -> None:
    settings.API_AUTH = "required"
    problem_of(client.get(url), 401)
    user = User.objects.create_user("reader")
    client.force_login(user)
    problem_of(client.get(url), 403)
    user.user_permissions.add(Permission.objects.get(codename="view_inferencelog"))
    client.force_login(User.objects.get(pk=user.pk))
    assert client.get(url).status_code in {200, 404}


def test_an_export_is_named_after_its_source(client: Client) -> None:
    response = client.head("/rows/export/?format=csv")
    assert response["Content-Disposition"].startswith('attachment; filename="ml_proxy-inference-')


def test_openapi_describes_them() -> None:
    generator: Any = SchemaGenerator
    schema = generator(patterns=urlpatterns[:1]).get_schema(public=True)
    assert {"/rows/", "/rows/{row_id}/", "/rows/export/"} <= {*schema["paths"]}
    names = {each["name"] for each in schema["paths"]["/rows/"]["get"]["parameters"]}
    assert {"doctor", "patient", "since", "until", "limit", "cursor"} <= names


def problem_of(response: Any, status: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, found["status"]) == (status, status)
    return found
