"""`/llm/questions/…`: the caller's own earlier questions, newest first."""

import re

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.support.accounts import bearer, make_user
from tests.support.registered import Api
from tests.text_to_sql.conftest import Target

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

EXAMPLE = {"question": "visits above 1", "sql": "SELECT id FROM visits WHERE fee > 1"}


@pytest.fixture
def database(api: Api, sqlite_target: Target, settings: Settings) -> int:
    """A database that only those who are signed in may ask."""
    found = api.register(sqlite_target.owner)
    assert api.call("post", f"/ddp/db/{found}/example", EXAMPLE)[0] == 201
    settings.API_AUTH = "required"
    return found


def analyst(name: str) -> User:
    return make_user(name, "analyst")


def sign(api: Api, user: User) -> None:
    api.client.defaults.update(bearer(user))


def ask(api: Api, database: int, question: str) -> str:
    status, answer = api.call("post", f"/llm/generate-sql/db/{database}", {"question": question})
    assert status == 200
    return str(answer["session_id"])


def questions(api: Api, path: str) -> list[str]:
    status, found = api.call("get", path)
    assert status == 200
    return [each["question"] for each in found]


def test_each_sees_their_own_of_one_database(api: Api, database: int, sqlite_target: Target) -> None:
    ann, ben = analyst("ann"), analyst("ben")
    sign(api, ann)
    session = ask(api, database, "visits above 7")
    sign(api, ben)
    ask(api, database, "visits above 8")
    assert questions(api, f"/llm/questions/db/{database}") == ["visits above 8"]
    sign(api, make_user("auditor", "auditor"))
    assert api.call("get", f"/llm/questions/db/{database}")[0] == 403
    sign(api, ann)
    _, [mine] = api.call("get", f"/llm/questions/db/{database}")
    assert (mine["session_id"], mine["sql"]) == (session, "SELECT id FROM visits WHERE fee > 7")
    sign(api, User.objects.create_superuser("chief"))
    assert questions(api, f"/llm/questions/db/{database}") == []
    other = api.register(sqlite_target.owner, name="다른 의원")
    sign(api, ann)
    assert questions(api, f"/llm/questions/db/{other}") == []
    assert api.call("get", "/llm/questions/db/0")[0] == 404


def test_pages_go_from_the_newest_to_the_oldest(api: Api, database: int) -> None:
    sign(api, analyst("ann"))
    for number in range(5):
        ask(api, database, f"visits above {number}")
    path, found = f"/llm/questions/db/{database}?limit=2", list[list[str]]()
    while path:
        found += [questions(api, path)]
        following = re.match(r'<http://testserver([^>]+)>; rel="next"', api.client.get(path).get("Link", ""))
        path = following[1] if following else ""
    assert found == [[f"visits above {n}" for n in page] for page in ((4, 3), (2, 1), (0,))]


@pytest.mark.parametrize("wrong", ["cursor=x", "limit=0", "database=1"])
def test_a_wrong_parameter_is_a_400(api: Api, database: int, wrong: str) -> None:
    sign(api, analyst("ann"))
    assert api.call("get", f"/llm/questions/db/{database}?{wrong}")[0] == 400
