"""On one's own machine a button signs in as the generated administrator; nowhere else."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from accounts import local_admin
from tests.support.gateway import assert_problem
from tests.support.sign_in import LOGIN, is_signed_in

pytestmark = pytest.mark.any_database

PATH, TEXT = "/accounts/login/one-click/", "without a password"


@pytest.fixture(autouse=True)
def own_machine(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG, settings.API_AUTH, settings.TRUST_PROXY, settings.VAR_DIR = True, "open", False, tmp_path


@pytest.fixture
def admin(db: None) -> User:
    local_admin.password_file().write_text("generated")
    return User.objects.create_superuser(local_admin.USERNAME)


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


def test_one_click_signs_in(browser: Client, admin: User) -> None:
    assert TEXT in browser.get(LOGIN).content.decode()
    answer = browser.post(PATH, {"next": "/api/docs/"})
    assert (answer.status_code, answer["Location"]) == (302, "/api/docs/")
    me = browser.get("/ml/v1/me/").json()
    assert (me["name"], me["signed_in_by"], me["is_superuser"]) == (local_admin.USERNAME, "one-click", True)


def test_another_page_can_not_click(admin: User) -> None:
    assert Client(enforce_csrf_checks=True).post(PATH).status_code == 403


def refused(browser: Client, **fields: Any) -> None:
    assert TEXT not in browser.get(LOGIN, **fields).content.decode()
    assert_problem(browser.post(PATH, **fields), 404, "unknown-path")
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("name", "value"), [("DEBUG", False), ("API_AUTH", "required"), ("TRUST_PROXY", True)], ids=str
)
def test_a_setting_that_is_not_for_ones_own_machine_takes_the_button_away(
    browser: Client, admin: User, settings: Settings, name: str, value: Any
) -> None:
    setattr(settings, name, value)
    refused(browser)


@pytest.mark.parametrize(
    "fields",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": ""},
    ],
)
def test_a_caller_from_elsewhere_has_no_button(browser: Client, admin: User, fields: dict[str, str]) -> None:
    refused(browser, **fields)


def test_an_administrator_whom_somebody_made_is_not_the_generated_one(browser: Client, admin: User) -> None:
    local_admin.password_file().unlink()
    refused(browser)


@pytest.mark.parametrize("changed", [{"is_superuser": False}, {"is_active": False}])
def test_an_account_that_lost_its_rights_has_no_button(browser: Client, admin: User, changed: dict[str, bool]) -> None:
    User.objects.update(**changed)
    refused(browser)
