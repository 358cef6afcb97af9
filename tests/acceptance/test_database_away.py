"""Callers of real gateway processes while PostgreSQL is stopped or frozen, and what a change of rights takes."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import NamedTuple

import pytest
import requests

from tests.support.gateway import BODY
from tests.support.model import ScriptedModel
from tests.support.postgres import Postgres
from tests.support.processes import frozen
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

AWAY_SECONDS = 4.0  # longer than a look-up may take
CHANGE_SECONDS = 2.0  # the promise
SETTINGS = {"API_AUTH": "required", "SECRET_KEY": "s" * 32, "SEAL_KEY": "k" * 32}
MAKE_USER = """
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from accounts.models import Profile
user = User.objects.create_user("kim", password="correct horse")
user.groups.set(Group.objects.filter(name="clinician"))
Profile.objects.create(user=user, doctor_name="Dr. Kim")
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session.save()
print(session.session_key)
"""
CSRF = "a" * 32


class Kim(NamedTuple):
    """The header fields of one doctor's credentials."""

    token: dict[str, str]
    session: dict[str, str]
    basic: dict[str, str]


@pytest.fixture(scope="module")
def gateways(
    own_postgres: Postgres, shared_model: ScriptedModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[System]]:
    """Two gateways with one database."""
    url = own_postgres.make_database("away")
    made = [
        System(tmp_path_factory.mktemp("away"), database_url=url, ml_server_url=shared_model.url, **SETTINGS)
        for _ in range(2)
    ]
    made[0].manage("migrate", "-v0")
    for system in made:
        system.start("web")
    yield made
    for system in made:
        system.stop()


@pytest.fixture(scope="module")
def kim(gateways: list[System]) -> Kim:
    session_key = gateways[0].manage("shell", "-v0", "-c", MAKE_USER).split()[-1]
    return Kim(
        token=new_token(gateways[0]),
        session={"Cookie": f"sessionid={session_key}; csrftoken={CSRF}", "X-CSRFToken": CSRF},
        basic={"Authorization": requests.auth._basic_auth_str("kim", "correct horse")},
    )


def new_token(system: System) -> dict[str, str]:
    printed = system.manage("create_token", "kim", "--name", "test", "--expires", "1d")
    assert re.fullmatch(r"mlp_[A-Za-z0-9_-]{43}", printed.splitlines()[-1])
    return {"Authorization": f"Bearer {printed.splitlines()[-1]}"}


def digest_of(fields: dict[str, str]) -> str:
    return hashlib.sha256(fields["Authorization"].removeprefix("Bearer ").encode()).hexdigest()


def predict(system: System, fields: dict[str, str]) -> requests.Response:
    return system.predict(BODY, **fields)


def server_stopped(server: Postgres) -> AbstractContextManager[None]:
    return server.stopped()


def server_frozen(server: Postgres) -> AbstractContextManager[None]:
    return frozen(server.processes())


def unknown_token() -> dict[str, str]:
    return {"Authorization": f"Bearer mlp_{time.monotonic_ns()}"}


@pytest.mark.parametrize("away", [server_stopped, server_frozen])
def test_known_callers_go_on_and_others_are_told(
    own_postgres: Postgres, gateways: list[System], kim: Kim, away: Callable[[Postgres], AbstractContextManager[None]]
) -> None:
    system, slowest = gateways[0], 0.0
    for fields in kim:
        assert predict(system, fields).status_code == 200
    with away(own_postgres):
        ends_at = time.monotonic() + AWAY_SECONDS
        with ThreadPoolExecutor(2) as pool:
            refused = [
                pool.submit(predict, system, fields)
                for fields in (unknown_token(), {"Authorization": requests.auth._basic_auth_str("lee", "wrong")})
            ]
            while time.monotonic() < ends_at:
                for fields in kim:
                    begun = time.monotonic()
                    answer = predict(system, fields)
                    slowest = max(slowest, time.monotonic() - begun)
                    assert answer.status_code == 200, answer.text
        for answer in (each.result() for each in refused):
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:ml-proxy:problem:credentials-unchecked")
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.elapsed.total_seconds() < 10
        assert predict(system, kim.token).status_code == 200
    assert slowest < 1.0  # nobody waits for the database
    if away is server_stopped:
        assert "known callers stay known for 900 s" in system.log_of("web")
    until(lambda: predict(system, unknown_token()).status_code == 401)


def test_many_unknown_callers_do_not_hold_the_threads_while_the_database_is_frozen(
    own_postgres: Postgres, gateways: list[System], kim: Kim
) -> None:
    system = gateways[0]
    assert predict(system, kim.token).status_code == 200
    with server_frozen(own_postgres), ThreadPoolExecutor(64) as pool:
        ends_at = time.monotonic() + AWAY_SECONDS
        flood = [pool.submit(_ask_until, ends_at, system) for _ in range(64)]
        times = []
        while time.monotonic() < ends_at:
            begun = time.monotonic()
            assert predict(system, kim.token).status_code == 200
            times.append(time.monotonic() - begun)
        statuses = set[int]().union(*(each.result() for each in flood))
    assert statuses <= {429, 503}
    assert max(times) < 3.0
    until(lambda: predict(system, unknown_token()).status_code == 401)


def _ask_until(ends_at: float, system: System) -> set[int]:
    statuses = set()
    while time.monotonic() < ends_at:
        statuses.add(predict(system, unknown_token()).status_code)
    return statuses


def test_many_wrong_passwords_harm_nobody(gateways: list[System], kim: Kim) -> None:
    system = gateways[0]
    assert predict(system, kim.token).status_code == 200

    def guess(number: int) -> int:
        fields = {"Authorization": requests.auth._basic_auth_str("nobody", str(number))}
        return predict(system, fields).status_code

    with ThreadPoolExecutor(64) as pool:
        guesses = [pool.submit(guess, number) for number in range(64)]
        times = []
        while not all(each.done() for each in guesses):
            begun = time.monotonic()
            assert predict(system, kim.token).status_code == 200
            assert requests.get(f"{system.url}/healthz", timeout=60).ok
            times.append(time.monotonic() - begun)
    statuses = [each.result() for each in guesses]
    assert set(statuses) <= {401, 429, 503}
    assert statuses.count(429) > 0
    assert max(times) < 2.0


@pytest.mark.parametrize("change", ["revoked", "inactive"])
def test_a_change_holds_on_every_process_in_time(gateways: list[System], kim: Kim, change: str) -> None:
    token = new_token(gateways[0])
    for system in gateways:
        assert predict(system, token).status_code == 200
    if change == "revoked":
        statement = "UPDATE accounts_apitoken SET revoked_at = now() WHERE digest = '{}'"
        gateways[0].sql(statement.format(digest_of(token)))
    else:
        gateways[0].sql("UPDATE auth_user SET is_active = false")
    changed_at = time.monotonic()
    try:
        for system in gateways:
            until(lambda at=system: predict(at, token).status_code == 401, seconds=CHANGE_SECONDS)  # type: ignore[misc]
        assert time.monotonic() - changed_at < CHANGE_SECONDS
    finally:
        gateways[0].sql("UPDATE auth_user SET is_active = true")
    until(lambda: predict(gateways[1], kim.token).status_code == 200)
