"""`/accounts/session/`: sign-in, sign-out and tokens as JSON, with the same limits as the pages."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from accounts import local_admin
from accounts.models import ApiToken
from tests.support.gateway import assert_problem
from tests.support.sign_in import NAME, PASSWORD, is_signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PATH = "/accounts/session/"
TOKENS, ONE_CLICK = f"{PATH}tokens/", f"{PATH}one-click/"


@pytest.fixture
def doctor() -> User:
    return User.objects.create_user(NAME, password=PASSWORD)


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


def post(browser: Client, path: str = PATH, **body: Any) -> Any:
    return browser.post(path, body, content_type="application/json")


def test_a_name_and_a_password_sign_in_and_delete_signs_out(browser: Client, doctor: User) -> None:
    assert browser.get(PATH).cookies["csrftoken"].value
    assert post(browser, username=NAME, password=PASSWORD).status_code == 204
    assert is_signed_in(browser)
    assert browser.delete(PATH).json() == {"end_session": ""}
    assert not is_signed_in(browser)


@pytest.mark.parametrize(("name", "password"), [(NAME, "wrong"), ("nobody", PASSWORD), (NAME, "")])
def test_a_wrong_one_says_no_more_than_that(browser: Client, doctor: User, name: str, password: str) -> None:
    assert_problem(post(browser, username=name, password=password), 400, "wrong-password")
    assert not is_signed_in(browser)


@pytest.mark.parametrize("body", ["[]", "{", '{"username": 1, "password": "x"}', '{"username": "x"}'])
def test_an_unusable_body_is_refused(browser: Client, body: str) -> None:
    assert_problem(browser.post(PATH, body, content_type="application/json"), 400, "bad-input")


def test_it_locks_out_as_the_page_does(browser: Client, doctor: User, settings: Settings) -> None:
    settings.LOGIN_FAILURES = 2
    for _ in range(2):
        post(browser, username=NAME, password="wrong")
    answer = post(browser, username=NAME, password=PASSWORD)
    assert_problem(answer, 429, "locked-out")
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize(("method", "path"), [("POST", PATH), ("DELETE", PATH), ("POST", ONE_CLICK), ("POST", TOKENS)])
def test_a_page_of_another_origin_can_do_nothing(doctor: User, method: str, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(doctor)
    answer = browser.generic(method, path, '{"username": "x", "password": "x"}', content_type="application/json")
    assert answer.status_code == 403
    assert is_signed_in(browser)


def test_one_click_is_for_ones_own_machine(browser: Client, settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG, settings.API_AUTH, settings.VAR_DIR = True, "open", tmp_path
    local_admin.password_file().write_text("generated")
    User.objects.create_superuser(local_admin.USERNAME)
    assert browser.get(PATH).json()["one_click"] is True
    assert post(browser, ONE_CLICK).status_code == 204
    assert browser.get("/ml/v1/me/").json()["signed_in_by"] == "one-click"
    settings.API_AUTH = "required"
    stranger = Client(raise_request_exception=False)
    assert stranger.get(PATH).json()["one_click"] is False
    assert_problem(post(stranger, ONE_CLICK), 404, "unknown-path")


def test_a_token_is_told_once_and_can_be_revoked(browser: Client, doctor: User) -> None:
    browser.force_login(doctor)
    made = post(browser, TOKENS, name="notebook", scopes=["history"], expires="7d")
    assert made.status_code == 201
    token, shown = made.json()["token"], browser.get(TOKENS).json()["tokens"]
    assert [(each["name"], each["scopes"]) for each in shown] == [("notebook", ["history"])]
    assert token not in str(shown)
    me = Client().get("/ml/v1/me/", headers={"authorization": f"Bearer {token}"}).json()
    assert me["signed_in_by"] in {"token", "open"}
    assert browser.delete(f"{TOKENS}{shown[0]['id']}/").status_code == 204
    assert ApiToken.objects.get().revoked_at is not None
    assert browser.get(TOKENS).json()["tokens"] == []


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("scopes", ["nothing"]), ("expires", "never"), ("name", "x" * 101)]
)
def test_an_impossible_token_is_refused_with_its_field(browser: Client, doctor: User, field: str, value: Any) -> None:
    browser.force_login(doctor)
    answer = post(browser, TOKENS, **{"name": "n", "scopes": [], "expires": "7d", field: value})
    assert_problem(answer, 400, "bad-input")
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]
    assert not ApiToken.objects.exists()


def test_nobodys_tokens_are_nobodys(browser: Client) -> None:
    assert_problem(browser.get(TOKENS), 401, "not-signed-in")
