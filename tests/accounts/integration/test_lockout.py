"""After LOGIN_FAILURES wrong passwords a caller is locked out, for a time, without harm to others."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.models import F
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import backends, lockout
from accounts.exceptions import LockedOut
from accounts.models import LoginAttempts
from accounts.tasks import forget_old_sign_ins
from tests.support.gateway import assert_problem
from tests.support.sign_in import NAME, PASSWORD, basic, is_signed_in, sign_in
from tests.support.wait import until

LIMIT = 3
CLINIC, ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "203.0.113.9"}


class CountingHasher(MD5PasswordHasher):
    """A fast hasher that counts checks."""

    checks = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.checks += 1
        return super().encode(password, salt)


@pytest.fixture
def hashes(settings: Settings) -> type[CountingHasher]:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    CountingHasher.checks = 0
    return CountingHasher


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.API_AUTH = "required"
    settings.LOGIN_FAILURES = LIMIT
    settings.LOGIN_LOCKOUT_SECONDS = 60


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user(NAME, password=PASSWORD)


@pytest.fixture
def browser() -> Client:
    return Client()


def status_by_basic(name: str = NAME, password: str = PASSWORD, **fields: Any) -> int:
    return int(Client().get("/ml/v1/history/", **basic(name, password), **fields).status_code)


def fail(times: int, name: str = NAME, **fields: Any) -> None:
    for number in range(times):
        assert status_by_basic(name, f"wrong {number}", **fields) == 401


def age(**delta: int) -> None:
    """Makes all failures older."""
    LoginAttempts.objects.update(failed_at=F("failed_at") - timedelta(**delta))


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_the_page_locks_out_after_the_limit_even_with_the_right_password(
    browser: Client, user: User, path: str
) -> None:
    for _ in range(LIMIT):
        assert sign_in(browser, password="wrong", path=path).status_code == 200
    response = sign_in(browser, path=path)
    assert (response.status_code, 0 < int(response["Retry-After"]) <= 61) == (429, True)
    assert "Too many sign-ins failed" in response.content.decode()
    assert not is_signed_in(browser)


def test_basic_locks_out_after_the_limit(user: User) -> None:
    fail(LIMIT)
    response = Client().get("/ml/v1/history/", **basic())
    assert_problem(response, 429, "locked-out")
    assert 0 < int(response["Retry-After"]) <= 61


def test_the_page_and_basic_share_their_counters(browser: Client, user: User) -> None:
    fail(LIMIT - 1)
    sign_in(browser, password="wrong")
    assert sign_in(browser).status_code == 429
    assert status_by_basic() == 429


def test_a_locked_out_caller_costs_no_hash(user: User, hashes: type[CountingHasher]) -> None:
    fail(LIMIT)
    before = hashes.checks
    assert status_by_basic() == 429
    assert hashes.checks == before > 0


def test_the_lock_ends(user: User) -> None:
    fail(LIMIT)
    age(seconds=59)
    assert status_by_basic() == 429
    age(seconds=2)
    fail(LIMIT - 1)  # a new set of tries
    assert status_by_basic() == 403  # known, and without a permission


def test_a_success_forgets_the_failures(user: User) -> None:
    for _ in range(3):
        fail(LIMIT - 1)
        assert status_by_basic() == 403


def test_the_name_counts_as_one_however_it_is_typed(user: User) -> None:
    for name in ("dr-kim", "DR-KIM", " dr-kim"):
        assert status_by_basic(name, "wrong") == 401
    assert status_by_basic() == 429


def test_an_unknown_name_is_locked_out_like_a_known_one(db: None) -> None:
    fail(LIMIT, "nobody")
    assert status_by_basic("nobody") == 429


def test_nobody_can_lock_an_account_out_from_elsewhere(user: User) -> None:
    assert status_by_basic(**CLINIC) == 403
    for number in range(2 * LIMIT * lockout.FAR):
        status_by_basic(password="wrong", REMOTE_ADDR=f"198.51.100.{number}")
    assert status_by_basic(**ELSEWHERE) == 429  # guessing from many addresses ends too
    assert status_by_basic(**CLINIC) == 403
    fail(LIMIT, **CLINIC)  # the clinic's own wrong passwords still count
    assert status_by_basic(**CLINIC) == 429


def test_guessing_from_many_addresses_gets_one_try_at_a_time_until_a_success(user: User) -> None:
    for number in range(LIMIT * lockout.FAR):
        status_by_basic(password="wrong", REMOTE_ADDR=f"198.51.100.{number}")
    for number in range(3):
        age(seconds=61)
        assert status_by_basic(password="wrong", REMOTE_ADDR=f"203.0.113.{number}") == 401
        assert status_by_basic(password="wrong", REMOTE_ADDR=f"203.0.113.{number + 100}") == 429
    age(days=1)
    assert status_by_basic(**ELSEWHERE) == 403


def test_many_names_from_one_address_are_throttled(user: User) -> None:
    assert status_by_basic(**CLINIC) == 403
    for number in range(LIMIT * lockout.FAR):
        assert status_by_basic(f"name-{number}", **CLINIC) == 401
    assert status_by_basic("another", **CLINIC) == 429
    assert status_by_basic(**CLINIC) == 403  # who signed in here before is not locked out by others
    User.objects.create_user("dr-lee", password=PASSWORD)
    assert status_by_basic("dr-lee", **CLINIC) == 429
    assert status_by_basic("dr-lee", **ELSEWHERE) == 403


def test_x_forwarded_for_does_not_get_around_it(user: User) -> None:
    for number in range(LIMIT):
        status_by_basic(password="wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert status_by_basic(HTTP_X_FORWARDED_FOR="198.51.100.77") == 429


def test_behind_a_proxy_only_the_address_that_the_proxy_saw_counts(user: User, settings: Settings) -> None:
    settings.TRUST_PROXY = True
    for number in range(LIMIT):
        status_by_basic(password="wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 192.0.2.1")
    assert status_by_basic(HTTP_X_FORWARDED_FOR="1.1.1.1, 192.0.2.1") == 429
    assert status_by_basic(HTTP_X_FORWARDED_FOR="192.0.2.1, 203.0.113.9") == 403


def test_the_database_and_the_log_learn_no_name_and_no_password(
    user: User, caplog: pytest.LogCaptureFixture, browser: Client
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "my-secret-typed-into-the-name"
    for _ in range(LIMIT + 1):
        sign_in(browser, name=secret, password="other-secret")
        status_by_basic(secret, "other-secret")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_loginattempts")
        rows = repr(cursor.fetchall())
    assert len(rows) > 100
    for text in (secret, "other-secret", "127.0.0.1"):
        assert text not in rows
        assert text not in caplog.text
    assert "locked out" in caplog.text


def test_failures_send_djangos_signal_with_the_request(user: User) -> None:
    heard: list[Any] = []

    def receive(request: Any, credentials: dict[str, Any], **_: Any) -> None:
        heard.append((request.META["REMOTE_ADDR"], credentials["username"], credentials["password"]))

    user_login_failed.connect(receive)
    try:
        fail(1)
    finally:
        user_login_failed.disconnect(receive)
    assert [(address, name, PASSWORD in hidden) for address, name, hidden in heard] == [("127.0.0.1", NAME, False)]


@pytest.mark.parametrize(
    ("words", "unlocks"), [([NAME], True), (["--address", "127.0.0.1"], False), (["--all"], True), (["dr-lee"], False)]
)
def test_an_operator_unlocks_an_account(
    user: User, capsys: pytest.CaptureFixture[str], words: list[str], unlocks: bool
) -> None:
    fail(LIMIT)
    call_command("unlock", *words)
    assert status_by_basic() == (403 if unlocks else 429)
    assert "forgot" in capsys.readouterr().out or words == ["dr-lee"]


def test_an_operator_unlocks_an_address(user: User) -> None:
    for number in range(LIMIT * lockout.FAR):
        status_by_basic(f"name-{number}", **ELSEWHERE)
    assert status_by_basic(**ELSEWHERE) == 429
    call_command("unlock", "--address", "203.0.113.9")
    assert status_by_basic(**ELSEWHERE) == 403
    with pytest.raises(CommandError, match="give an IP address"):
        call_command("unlock", "--address", "clinic")


def test_a_periodic_task_deletes_old_counters_and_sessions(user: User) -> None:
    assert status_by_basic() == 403
    fail(1, "nobody")
    age(days=2)
    fail(1, "somebody")
    for days in (-1, 1):
        Session.objects.create(session_key=f"key {days}", expire_date=timezone.now() + timedelta(days=days))
    forget_old_sign_ins()
    left = {row.account for row in LoginAttempts.objects.exclude(account="")}
    assert left == {lockout.Try.of(name, "").account for name in (NAME, "somebody")}
    assert Session.objects.get().session_key == "key 1"


def test_a_name_with_a_nul_is_unknown(db: None) -> None:
    assert status_by_basic("dr\0kim") == 401


@pytest.fixture
def slow_hash(settings: Settings) -> Iterator[threading.Event]:
    """Every check of a password waits for the event."""
    SlowHasher.go, SlowHasher.started = threading.Event(), threading.Semaphore(0)
    settings.PASSWORD_HASHERS = [f"{__name__}.SlowHasher"]
    yield SlowHasher.go
    SlowHasher.go.set()


class SlowHasher(MD5PasswordHasher):
    """A hasher that waits."""

    go: threading.Event
    started: threading.Semaphore

    def encode(self, password: str, salt: str) -> str:
        SlowHasher.started.release()
        SlowHasher.go.wait(120)
        return super().encode(password, salt)


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_cannot_exceed_the_limit_and_few_threads_wait(
    settings: Settings, slow_hash: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = 6
    monkeypatch.setattr(backends, "_line", threading.BoundedSemaphore(line))
    monkeypatch.setattr(backends, "WAIT_SECONDS", 120)
    statuses: list[int] = []

    def guess() -> None:
        try:
            statuses.append(sign_in(Client(), "nobody", "wrong").status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert SlowHasher.started.acquire(timeout=60)
    until(lambda: sum(thread.is_alive() for thread in threads) <= line, what="all others are refused")
    slow_hash.set()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200] * LIMIT + [429] * (20 - LIMIT)


@pytest.mark.django_db(transaction=True)
def test_async_code_is_locked_out_too() -> None:
    request = HttpRequest()
    request.META = dict(CLINIC)
    ask = async_to_sync(aauthenticate)
    for _ in range(LIMIT):
        assert ask(request, username=NAME, password="wrong") is None
    with pytest.raises(LockedOut):
        ask(request, username=NAME, password=PASSWORD)


def test_a_long_name_of_marks_costs_nobody_s_time(db: None) -> None:
    began = time.process_time()
    assert status_by_basic("\u0315\u0300" * 100_000) == 401  # its normalization takes a minute
    assert time.process_time() - began < 10
