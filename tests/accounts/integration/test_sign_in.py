"""The pages for people: sign-in, sign-out, the account, and sessions that end."""

import time
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from accounts.credentials import SessionCredential, confirm
from accounts.known_callers import KNOWN, _Known
from common import session_expiry
from tests.support.gateway import assert_problem
from tests.support.sign_in import LOGIN, NAME, PASSWORD, is_signed_in, sign_in

pytestmark = pytest.mark.any_database

ADMIN_LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user(NAME, password=PASSWORD, email="dr-kim-dr-kim-dr-kim@clinic.example")


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def events() -> Iterator[list[str]]:
    """Django's signals, with the path of the request that they came with."""
    heard: list[str] = []

    def logged_in(request: Any, user: Any, **_: Any) -> None:
        heard.append(f"in {user.get_username()} {request.path}")

    def logged_out(request: Any, user: Any, **_: Any) -> None:
        heard.append(f"out {user.get_username()} {request.path}")

    user_logged_in.connect(logged_in)
    user_logged_out.connect(logged_out)
    yield heard
    user_logged_in.disconnect(logged_in)
    user_logged_out.disconnect(logged_out)


def test_it_signs_in_and_out(browser: Client, user: User, events: list[str]) -> None:
    answer = sign_in(browser)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(browser)
    kept: Any = browser.cookies["sessionid"].value
    answer = browser.post("/accounts/logout/")
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    browser.cookies["sessionid"] = kept
    assert not is_signed_in(browser)
    assert not Session.objects.filter(session_key=kept).exists()
    assert events == [f"in {NAME} {LOGIN}", f"out {NAME} /accounts/logout/"]


def test_a_wrong_password_is_told_without_saying_which_part(browser: Client, user: User) -> None:
    known, unknown = sign_in(browser, password="wrong"), sign_in(browser, name="nobody", password="wrong")
    assert "Please enter a correct username and password" in known.content.decode()
    assert known.status_code == unknown.status_code == 200
    assert "sessionid" not in browser.cookies


def test_the_session_cookie(browser: Client, user: User) -> None:
    cookie = sign_in(browser).cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["secure"]) == (True, "Lax", "", "")


def test_a_sign_in_gets_a_new_session(browser: Client, user: User) -> None:
    session = browser.session
    session["planted"] = True
    session.save()
    before: Any = session.session_key
    browser.cookies["sessionid"] = before
    sign_in(browser)
    assert browser.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("path", [LOGIN, "/accounts/logout/", "/accounts/password/", ADMIN_LOGIN])
def test_a_form_needs_its_csrf_token(user: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(path, {"username": NAME, "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [("/api/docs/", "/api/docs/"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("javascript:x", "/")],
)
def test_it_goes_on_to_a_page_of_this_gateway_only(browser: Client, user: User, asked: str, goes_to: str) -> None:
    assert sign_in(browser, path=f"{LOGIN}?next={asked}")["Location"] == goes_to
    assert browser.get(f"{LOGIN}?next={asked}")["Location"] == goes_to


@pytest.mark.parametrize("asked", [LOGIN, ADMIN_LOGIN, "/admin/"])
def test_no_page_sends_a_user_in_circles(browser: Client, user: User, asked: str) -> None:
    sign_in(browser)
    for path in (LOGIN, ADMIN_LOGIN):
        answer = browser.get(f"{path}?next={asked}", follow=True)
        assert answer.status_code == 200, (path, asked)


def test_the_admin_says_who_may_not_open_it(browser: Client, user: User) -> None:
    sign_in(browser)
    page = browser.get("/admin/", follow=True).content.decode()
    assert f"You are signed in as {NAME}, who may not open that page" in page


def test_the_admins_own_address_signs_staff_in(browser: Client, user: User) -> None:
    User.objects.update(is_staff=True)
    assert sign_in(browser, path=ADMIN_LOGIN)["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", LOGIN), ("DELETE", LOGIN), ("GET", "/accounts/logout/"), ("PUT", "/accounts/"), ("OPTIONS", LOGIN)],
)
def test_other_methods_are_a_405(browser: Client, user: User, method: str, path: str) -> None:
    if path != LOGIN:
        sign_in(browser)
    assert_problem(browser.generic(method, path), 405, "wrong-method")


def test_the_account_page_needs_a_sign_in(browser: Client) -> None:
    answer = browser.get("/accounts/")
    assert (answer.status_code, answer["Location"]) == (302, f"{LOGIN}?next=/accounts/")
    assert browser.get("/accounts")["Location"] == "/accounts/"


def test_the_account_page_says_whom_to_ask_for_a_role(browser: Client, user: User, settings: Settings) -> None:
    settings.SIGN_IN_CONTACT = "the help desk, extension 1234"
    sign_in(browser)
    assert "the help desk, extension 1234" in browser.get("/accounts/").content.decode()
    user.groups.add(Group.objects.get(name="clinician"))
    page = browser.get("/accounts/").content.decode()
    assert "clinician" in page
    assert "you have no role" not in page


def test_me_describes_the_caller(browser: Client, user: User) -> None:
    user.groups.add(Group.objects.get(name="clinician"))
    sign_in(browser)
    me = browser.get("/ml/v1/me/").json()
    permissions = me.pop("permissions")
    assert me == {
        "name": NAME,
        "roles": ["clinician"],
        "is_superuser": False,
        "doctors": [NAME],
        "signed_in_by": "password",
    }
    assert permissions == sorted(permissions)
    assert "ml_proxy.add_inferencelog" in permissions
    assert "ml_proxy.promote_model" not in permissions


def test_me_needs_credentials_unless_the_api_is_open(browser: Client, db: None, settings: Settings) -> None:
    assert_problem(browser.get("/ml/v1/me/"), 401, "not-signed-in")
    settings.API_AUTH = "open"
    me = browser.get("/ml/v1/me/").json()
    assert (me["name"], me["signed_in_by"], me["is_superuser"], me["doctors"]) == ("", "open", True, None)


def test_a_new_password_ends_other_sessions(browser: Client, user: User) -> None:
    other = Client()
    for client in (browser, other):
        sign_in(client)
    new = "another horse battery staple"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.post("/accounts/password/", form)["Location"] == "/accounts/"
    assert is_signed_in(browser)
    assert not is_signed_in(other)


@pytest.mark.parametrize("new", ["fourteen-chars", "polniypizdec0211", "dr-kim-dr-kim-dr-kim"])
def test_a_weak_password_is_refused(browser: Client, user: User, new: str) -> None:
    sign_in(browser)
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    answer = browser.post("/accounts/password/", form)
    assert (answer.status_code, User.objects.get().check_password(PASSWORD)) == (200, True)


def _shift(session_key: str, seconds: float) -> None:
    """Lets a session be older."""
    row = Session.objects.get(session_key=session_key)
    data = row.get_decoded()
    for name in (session_expiry.STARTED, "renewed_at"):
        data[name] -= seconds
    store = Client().session.__class__(session_key)
    row.session_data = store.encode(data)
    row.expire_date -= timedelta(seconds=seconds)
    row.save()


def _seconds_left(session_key: str) -> float:
    return float(Session.objects.get(session_key=session_key).expire_date.timestamp() - time.time())


def test_a_session_ends_when_it_is_idle(browser: Client, user: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE = 600
    sign_in(browser)
    key = browser.cookies["sessionid"].value
    _shift(key, 500)
    assert is_signed_in(browser)
    assert _seconds_left(key) > 590  # a request moved the end
    _shift(key, 601)
    assert not is_signed_in(browser)


def test_a_session_in_use_ends_too(browser: Client, user: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE, settings.SESSION_SECONDS = 600, 1000
    sign_in(browser)
    key = browser.cookies["sessionid"].value
    _shift(key, 500)
    assert is_signed_in(browser)
    assert 490 < _seconds_left(key) <= 500
    _shift(key, 501)
    assert not is_signed_in(browser)


def test_a_session_is_not_written_at_each_request(browser: Client, user: User) -> None:
    sign_in(browser)
    key = browser.cookies["sessionid"].value
    before = Session.objects.get(session_key=key).expire_date
    assert is_signed_in(browser)
    assert Session.objects.get(session_key=key).expire_date == before


def test_requests_of_the_api_keep_a_session_alive(browser: Client, user: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE, settings.SESSION_SECONDS = 600, 1000
    sign_in(browser)
    key = browser.cookies["sessionid"].value
    _shift(key, 300)
    session_expiry.renew_used([key])
    assert _seconds_left(key) > 590
    _shift(key, 500)
    session_expiry.renew_used([key])
    assert 190 < _seconds_left(key) <= 200


def test_a_process_renews_the_sessions_that_it_knows(browser: Client, user: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE = 600
    sign_in(browser)
    key = browser.cookies["sessionid"].value
    _shift(key, 300)
    credential = SessionCredential(key)
    known = _Known(confirm({credential: None})[credential], None, time.monotonic())
    KNOWN._renew_sessions({credential: known})
    assert _seconds_left(key) > 590
    _shift(key, 300)
    KNOWN._renew_sessions({credential: known})
    assert _seconds_left(key) < 300  # not used since


class Audit(HTMLParser):
    """Finds what a strict policy forbids, and fields that have no label."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.fields: set[str] = set()
        self.labels: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag in {"script", "style"} or "style" in given or any(name.startswith("on") for name in given):
            self.problems.append(f"{tag} {given}")
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.fields.add(given.get("id", f"no id: {given}"))
        if tag == "label":
            self.labels.add(given.get("for", ""))


@pytest.mark.parametrize("path", [LOGIN, "/accounts/", "/accounts/password/", "/accounts/tokens/"])
def test_pages_have_labels_and_nothing_inline(browser: Client, user: User, path: str) -> None:
    if path != LOGIN:
        sign_in(browser)
    answer = browser.get(path)
    audit = Audit()
    audit.feed(answer.content.decode())
    assert (answer.status_code, audit.problems) == (200, [])
    assert audit.fields <= audit.labels
    assert "no-store" in answer["Cache-Control"]
