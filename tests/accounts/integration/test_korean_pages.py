"""A Korean browser reads Korean on every page for people: titles, labels, errors and times."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import translation
from pytest_django import Settings

import accounts
from accounts import backends, local_admin, tokens, urls
from accounts.models import ApiToken
from accounts.oidc import exceptions
from accounts.scopes import SCOPES
from common import person_names, query_params, timestamps
from tests.support.sign_in import LOGIN, NAME, PASSWORD, sign_in
from tests.support.translations import KOREAN, assert_translated, english

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PAGES = {"account", "login", "new-token", "access-log-page", "password"}
NO_PAGES = {"one-click", "logout", "revoke-token", "session", "session-one-click", "session-tokens", "session-token"}
NEW, PASSWORD_PAGE, ACCESS_LOG = "/accounts/tokens/", "/accounts/password/", "/accounts/access-log/"
TOKEN = {"name": "작업", "expires": "30d"}
ROLES = ("clinician", "auditor")
ANOTHER = "another horse battery staple"


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def user() -> User:
    return User.objects.create_user(NAME, password=PASSWORD)


@pytest.fixture
def browser(user: User) -> Client:
    """A Korean browser, signed in as somebody with two roles."""
    user.groups.set(Group.objects.filter(name__in=ROLES))
    client = Client(raise_request_exception=False, **KOREAN)
    sign_in(client)
    return client


def korean(answer: Any, status: int = 200, *names: str) -> str:
    """The page. Its only English words are names."""
    html: str = answer.content.decode()
    assert answer.status_code == status, html
    assert '<html lang="ko">' in html
    assert "Accept-Language" in answer["Vary"]
    assert answer["Content-Language"] == "ko"
    assert english(html, "dr", "kim", *names) == set(), html
    return html


def test_every_path_is_a_page_here_or_none() -> None:
    assert {each.name for each in urls.urlpatterns if hasattr(each, "name")} == PAGES | NO_PAGES


@pytest.mark.parametrize("path", ["/accounts/", PASSWORD_PAGE, ACCESS_LOG, NEW])
def test_a_page_is_korean(browser: Client, path: str) -> None:
    korean(browser.get(path), 200, *ROLES, *re.findall(r"\w+", " ".join(SCOPES)))


@pytest.mark.parametrize("path", [LOGIN, "/admin/login/"])
def test_the_sign_in_page_is_korean(path: str) -> None:
    html = korean(Client(**KOREAN).get(path))
    assert "관리자에게 문의하세요" in html  # the default of SIGN_IN_CONTACT


def test_a_wrong_password_is_told_in_korean(user: User) -> None:
    assert "errorlist" in korean(sign_in(Client(**KOREAN), password="wrong"))


def test_a_lockout_is_told_in_korean(user: User, settings: Settings) -> None:
    settings.LOGIN_FAILURES, settings.SIGN_IN_CONTACT = 1, "전산팀"
    browser = Client(**KOREAN)
    sign_in(browser, password="wrong")
    assert "전산팀에게 잠금 해제를 요청하세요" in korean(sign_in(browser), 429)
    assert "Too many sign-ins failed" in sign_in(Client()).content.decode()


def test_a_full_line_is_told_in_korean() -> None:
    with translation.override("ko"):
        assert english(backends._busy().detail) == set()


def test_the_admin_says_in_korean_who_may_not_open_it(browser: Client) -> None:
    assert f"{NAME} 계정으로는" in korean(browser.get("/admin/", follow=True))


def test_one_click_is_offered_in_korean(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_admin, "for_one_click", lambda request: user)
    korean(Client(**KOREAN).get(LOGIN), 200, "DEBUG")


def test_the_account_shows_times_of_seoul(browser: Client, user: User) -> None:
    User.objects.update(last_login=datetime(2026, 3, 1, 15, 30, tzinfo=UTC))
    tokens.create(user, name="작업", expires_at=datetime(2027, 3, 1, 15, 30, tzinfo=UTC))
    tokens.create(user, name="작업", scopes=["predict"])
    html = korean(browser.get("/accounts/"), 200, *ROLES, "predict")
    assert "2026-03-02 00:30 Asia/Seoul, 비밀번호 사용" in html
    assert "2027-03-02 00:30</time> Asia/Seoul" in html
    assert "2026-03-01 15:30 UTC, by password" in browser.get("/accounts/", HTTP_ACCEPT_LANGUAGE="en").content.decode()


def test_an_account_without_a_role_is_told_in_korean(browser: Client, user: User) -> None:
    user.groups.clear()
    assert "역할을 요청하세요" in korean(browser.get("/accounts/"))
    User.objects.update(is_superuser=True)
    assert "슈퍼유저" in korean(browser.get("/accounts/"))


def test_a_new_token_is_shown_in_korean(browser: Client) -> None:
    html = korean(browser.post(NEW, {**TOKEN, "scopes": ["predict"]}), 200, "predict")
    assert f"{ApiToken.objects.get().prefix}" in html
    assert "Asia/Seoul" in html


@pytest.mark.parametrize(
    "form", [{}, {**TOKEN, "name": "x" * 101}, {**TOKEN, "expires": ""}, {**TOKEN, "scopes": ["9"]}]
)
def test_errors_of_a_token_are_korean(browser: Client, form: dict[str, Any]) -> None:
    html = korean(browser.post(NEW, form), 200, *re.findall(r"\w+", " ".join(SCOPES)))
    assert "errorlist" in html


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", ANOTHER, ANOTHER),
        (PASSWORD, ANOTHER, PASSWORD),
        (PASSWORD, "short", "short"),
        (PASSWORD, "polniypizdec0211", "polniypizdec0211"),
        (PASSWORD, "", ""),
    ],
)
def test_errors_of_a_password_are_korean(browser: Client, old: str, new: str, again: str) -> None:
    form = {"old_password": old, "new_password1": new, "new_password2": again}
    assert "errorlist" in korean(browser.post(PASSWORD_PAGE, form))


@pytest.mark.parametrize(
    "query", ["since=March", "until=2026-13", "cursor=x", "patient=%00", "patient=%ff", "doctor=a&doctor=b"]
)
def test_errors_of_a_query_are_korean(browser: Client, query: str) -> None:
    korean(browser.get(f"{ACCESS_LOG}?{query}"), 400, "March", "cursor", "NUL")


def test_a_form_without_its_token_is_told_in_korean(user: User) -> None:
    strict = Client(enforce_csrf_checks=True, **KOREAN)
    for path in (LOGIN, "/admin/login/", "/accounts/logout/"):
        assert "더 이상 쓸 수 없는 양식입니다" in korean(strict.post(path), 403)
    english_page = Client(enforce_csrf_checks=True).post(LOGIN).content.decode()
    assert "This form is out of date" in english_page


def test_a_page_that_is_not_allowed_is_told_in_korean(browser: Client, user: User) -> None:
    user.groups.clear()
    assert "이 페이지를 열 수 없습니다" in korean(browser.get(ACCESS_LOG), 403)


def test_the_session_of_the_console_answers_in_english(browser: Client) -> None:
    answer = browser.post("/accounts/session/tokens/", {"name": "", "expires": "30d"}, content_type="application/json")
    assert answer.json()["errors"][0]["detail"] == "This field is required."


def test_each_failure_of_the_identity_provider_has_a_korean_text() -> None:
    found = [exceptions.ProviderSignInError, *exceptions.ProviderSignInError.__subclasses__()]
    assert len(found) > 5
    with translation.override("ko"):
        for kind in found:
            assert english(kind("reason").detail) == set(), kind


def test_every_text_is_translated() -> None:
    package = Path(accounts.__file__).parent
    pages = [*package.glob("templates/*.html"), *package.glob("templates/accounts/*.html"), *package.glob("pages/*.py")]
    more = [
        package / name
        for name in ("backends.py", "lockout.py", *(f"oidc/{each}.py" for each in ("exceptions", "users", "views")))
    ]
    assert_translated(package, [*pages, *more], least=100)


def test_every_error_of_a_query_is_translated() -> None:
    pages = [Path(str(each.__file__)) for each in (person_names, query_params, timestamps)]
    assert_translated(pages[0].parent, pages, least=10)
