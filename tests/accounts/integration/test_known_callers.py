"""Known callers: nothing of the database is in their way, and what changes there holds soon."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import known_callers, tokens
from accounts.credentials import PasswordCredential, SessionCredential, TokenCredential, confirm
from accounts.known_callers import KNOWN
from accounts.models import ApiToken, Profile
from common.database_errors import trouble
from tests.support.accounts import PASSWORD, basic, bearer, make_user
from tests.support.databases import table_missing
from tests.support.gateway import assert_problem, predict
from tests.support.wait import until

pytestmark = pytest.mark.django_db(transaction=True)

CSRF = "a" * 32
CHANGE_SECONDS = 20.0  # the promise is 2; tests/acceptance/test_revocation.py holds real processes to it


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def doctor() -> User:
    return make_user("kim", "clinician", doctor_name="Dr. Kim")


@pytest.fixture(params=["token", "session", "basic"])
def call(request: pytest.FixtureRequest, doctor: User, gateway: Client) -> Callable[[], Any]:
    """One prediction with known credentials, each kind in turn."""
    fields: dict[str, Any] = {}
    if request.param == "token":
        fields = bearer(doctor)
    elif request.param == "basic":
        fields = basic("kim")
    else:
        gateway.force_login(doctor)
        gateway.cookies["csrftoken"] = CSRF
        fields = {"HTTP_X_CSRFTOKEN": CSRF}
    assert predict(gateway, **fields).status_code == 200
    return lambda: predict(gateway, **fields)


def holds_soon(call: Callable[[], Any], status: int) -> Any:
    """The first answer with this status, which must come in time."""
    answers: list[Any] = []

    def has_changed() -> bool:
        answers.append(call())
        return bool(answers[-1].status_code == status)

    until(has_changed, seconds=CHANGE_SECONDS)
    return answers[-1]


def test_a_known_caller_needs_no_database(call: Callable[[], Any]) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert [call().status_code for _ in range(3)] == [200] * 3
    assert captured.captured_queries == []


@pytest.mark.parametrize(
    "change",
    [
        lambda: User.objects.update(is_active=False),
        lambda: User.objects.get().delete(),
    ],
    ids=["inactive", "deleted"],
)
def test_a_user_who_left_is_refused(call: Callable[[], Any], change: Callable[[], object]) -> None:
    change()
    assert_problem(holds_soon(call, 401), 401, "not-signed-in")


@pytest.mark.parametrize("call", ["session", "basic"], indirect=True)
def test_a_changed_password_ends_sessions_and_basic(call: Callable[[], Any]) -> None:
    user = User.objects.get()
    user.set_password("another long password")
    user.save()
    holds_soon(call, 401)


@pytest.mark.parametrize("call", ["basic"], indirect=True)
def test_a_renamed_user_is_not_known_by_the_old_name(call: Callable[[], Any]) -> None:
    User.objects.update(username="lee")
    holds_soon(call, 401)


@pytest.mark.parametrize("call", ["token"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda: tokens.revoke(ApiToken.objects.all()),
        lambda: ApiToken.objects.all().delete(),
        lambda: ApiToken.objects.update(expires_at=datetime.now(UTC)),
    ],
    ids=["revoked", "deleted", "expired"],
)
def test_a_token_that_is_gone_is_refused(call: Callable[[], Any], change: Callable[[], object]) -> None:
    change()
    holds_soon(call, 401)


@pytest.mark.parametrize("call", ["session"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda: Session.objects.all().delete(),
        lambda: Session.objects.update(expire_date=datetime.now(UTC)),
        lambda: Session.objects.update(session_data=""),
    ],
    ids=["deleted", "expired", "of nobody"],
)
def test_a_session_that_is_gone_is_refused(call: Callable[[], Any], change: Callable[[], object]) -> None:
    change()
    holds_soon(call, 401)


def test_rights_that_are_taken_away_are_gone_and_come_back(call: Callable[[], Any]) -> None:
    Group.objects.get(name="clinician").permissions.clear()
    assert "add_inferencelog" in assert_problem(holds_soon(call, 403), 403, "not-allowed")["detail"]
    User.objects.update(is_superuser=True)
    holds_soon(call, 200)


def test_another_doctor_s_name_holds_soon(call: Callable[[], Any]) -> None:
    Profile.objects.update(doctor_name="Dr. Lee")
    assert "Dr. Lee" in assert_problem(holds_soon(call, 403), 403, "not-allowed")["detail"]


def test_a_scope_that_is_taken_away_holds_soon(gateway: Client, doctor: User) -> None:
    fields = bearer(doctor, "predict", "history")
    assert gateway.get("/ml/v1/history/", **fields).status_code == 200
    ApiToken.objects.update(scopes="predict")
    holds_soon(lambda: gateway.get("/ml/v1/history/", **fields), 403)
    assert predict(gateway, **fields).status_code == 200


@pytest.fixture
def failed_refreshes(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the refreshes of known callers failed with."""
    failures: list[Exception] = []

    def remember(_: object, exc: Exception) -> None:
        assert trouble(exc)
        failures.append(exc)

    monkeypatch.setattr(known_callers.KnownCallers, "_log_failure", remember)
    return failures


def test_a_known_caller_stays_known_while_the_database_is_away(
    call: Callable[[], Any], gateway: Client, failed_refreshes: list[Exception]
) -> None:
    with table_missing(User._meta.db_table):
        until(lambda: len(failed_refreshes) > 1)
        assert call().status_code == 200
        for fields in (basic("kim", "wrong"), basic("nobody")):
            answer = predict(Client(raise_request_exception=False), **fields)
            assert "can't be checked now" in assert_problem(answer, 503, "credentials-unchecked")["detail"]
            assert int(answer["Retry-After"]) > 0


def test_the_grace_has_an_end(call: Callable[[], Any], settings: Settings, failed_refreshes: list[Exception]) -> None:
    settings.AUTH_GRACE_SECONDS = 1
    with table_missing(User._meta.db_table):
        until(lambda: call().status_code == 503)
        assert failed_refreshes
    until(lambda: call().status_code == 200)


def test_a_token_s_expiry_holds_while_the_database_is_away(
    gateway: Client, doctor: User, failed_refreshes: list[Exception]
) -> None:
    _, token = tokens.create(doctor, name="short", expires_at=datetime.now(UTC) + timedelta(seconds=1.5))
    fields = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert predict(gateway, **fields).status_code == 200
    with table_missing(User._meta.db_table):
        until(lambda: predict(gateway, **fields).status_code == 401)


def test_a_caller_who_is_not_seen_for_long_is_forgotten(call: Callable[[], Any], settings: Settings) -> None:
    settings.AUTH_GRACE_SECONDS = 0.2
    until(lambda: not KNOWN._known and KNOWN._thread is None)
    assert call().status_code == 200


def test_its_memory_is_bounded(gateway: Client, doctor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_callers, "MAX_KNOWN", 10)
    every = [bearer(doctor) for _ in range(15)]
    for fields in every:
        assert predict(gateway, **fields).status_code == 200
    assert len(KNOWN._known) <= 10
    newest = TokenCredential.of(every[-1]["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    assert KNOWN.find(newest) is not None


def test_it_keeps_no_token_and_no_password(gateway: Client, doctor: User) -> None:
    fields = bearer(doctor)
    for each in (fields, basic("kim")):
        assert predict(gateway, **each).status_code == 200
    text = repr([(each, known.caller, known.checked) for each, known in KNOWN._known.items()])
    assert fields["HTTP_AUTHORIZATION"].removeprefix("Bearer ") not in text
    assert PASSWORD not in text
    assert {type(each) for each in KNOWN._known} == {TokenCredential, PasswordCredential}


def test_a_token_s_use_is_noted_beside_the_requests(gateway: Client, doctor: User) -> None:
    fields = bearer(doctor)
    assert predict(gateway, **fields).status_code == 200
    until(lambda: ApiToken.objects.get().last_used_at)
    first = ApiToken.objects.get().last_used_at
    assert predict(gateway, **fields).status_code == 200
    confirmed_at = time.monotonic()
    until(lambda: all(known.confirmed_at > confirmed_at for known in KNOWN._known.values()))
    assert ApiToken.objects.get().last_used_at == first  # once a minute


def test_a_password_is_checked_once(gateway: Client, doctor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[threading.Thread] = []
    real = User.check_password

    def count(user: User, password: str) -> bool:
        checks.append(threading.current_thread())
        return real(user, password)

    monkeypatch.setattr(User, "check_password", count)
    assert [predict(gateway, **basic("kim")).status_code for _ in range(5)] == [200] * 5
    assert [thread.name for thread in checks] == ["passwords"]


def test_the_thread_goes_on_after_an_error_that_nobody_expected(
    gateway: Client, doctor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, real, failures = bearer(doctor), confirm, list[int]()
    assert predict(gateway, **fields).status_code == 200

    def fail_twice(credentials: Any) -> Any:
        if len(failures) < 2:
            failures.append(1)
            raise KeyError("on purpose")
        return real(credentials)

    monkeypatch.setattr(known_callers, "confirm", fail_twice)
    until(lambda: len(failures) == 2, what="two failures")  # a refresh may be running, so first of all
    tokens.revoke(ApiToken.objects.all())
    until(lambda: predict(gateway, **fields).status_code == 401)


def test_a_session_without_a_user_is_nobody(gateway: Client) -> None:
    session = gateway.session
    session["cart"] = json.dumps([])
    session.save()
    gateway.cookies["sessionid"] = str(session.session_key)
    assert_problem(gateway.get("/ml/v1/history/"), 401, "not-signed-in")
    assert SessionCredential(str(session.session_key)) not in KNOWN._known
