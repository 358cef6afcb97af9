"""One's own tokens on the account page."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from accounts import tokens
from accounts.models import ApiToken
from tests.support.gateway import assert_problem
from tests.support.sign_in import NAME, PASSWORD, sign_in

pytestmark = pytest.mark.any_database

NO_SUCH = "00000000-0000-7000-8000-000000000000"
NEW, FORM = "/accounts/tokens/", {"name": "my notebook", "expires": "30d"}


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def user(db: None) -> User:
    made = User.objects.create_user(NAME, password=PASSWORD)
    made.groups.add(Group.objects.get(name="clinician"))
    return made


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    sign_in(client)
    return client


def make(browser: Client, **more: Any) -> str:
    answer = browser.post(NEW, {**FORM, **more})
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (200, True)
    found = re.search(r"<code>(mlp_[\w-]+)</code>", answer.content.decode())
    assert found
    return found[1]


def status(token: str, path: str = "me/") -> int:
    answer = Client(raise_request_exception=False).get(f"/ml/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def test_a_new_token_works_and_is_shown_once(browser: Client) -> None:
    token = make(browser)
    assert status(token) == status(token, "history/") == 200
    page = browser.get("/accounts/").content.decode()
    assert token not in page
    assert token[: tokens.SHOWN_CHARACTERS] in page
    assert "my notebook" in page


def test_a_token_may_what_its_scopes_say(browser: Client) -> None:
    token = make(browser, scopes=["predict"])
    assert (status(token), status(token, "history/")) == (200, 403)
    assert ApiToken.objects.get().scopes == "predict"


def test_me_says_that_a_token_was_used(browser: Client) -> None:
    answer = Client().get("/ml/v1/me/", headers={"Authorization": f"Bearer {make(browser)}"})
    assert answer.json()["signed_in_by"] == "token"


def test_a_revoked_token_is_refused_and_leaves_the_list(browser: Client) -> None:
    token = make(browser)
    assert browser.post(f"{NEW}{ApiToken.objects.get().pk}/revoke/")["Location"] == "/accounts/"
    assert status(token) == 401
    assert token[: tokens.SHOWN_CHARACTERS] not in browser.get("/accounts/").content.decode()


def test_nobody_revokes_or_sees_anothers_token(browser: Client) -> None:
    other, token = tokens.create(User.objects.create_user("dr-lee"), name="the other's")
    assert "the other" not in browser.get("/accounts/").content.decode()
    for token_id in (other.pk, NO_SUCH):
        assert_problem(browser.post(f"{NEW}{token_id}/revoke/"), 404, "unknown-path")
    assert status(token) == 200


@pytest.mark.parametrize("form", [{}, {**FORM, "name": ""}, {**FORM, "expires": "never"}, {**FORM, "scopes": ["all"]}])
def test_a_wrong_form_makes_no_token(browser: Client, form: dict[str, Any]) -> None:
    answer = browser.post(NEW, form)
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("path", [NEW, f"{NEW}{NO_SUCH}/revoke/"])
def test_the_pages_need_a_sign_in_and_a_csrf_token(user: User, path: str) -> None:
    assert Client().post(path, FORM).status_code == 302
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post(path, FORM).status_code == 403
    assert not ApiToken.objects.exists()
