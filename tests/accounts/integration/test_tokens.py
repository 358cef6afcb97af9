"""API tokens: made by the command, shown once, restricted by scopes, and revoked."""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts import scopes, tokens
from accounts.callers import ACCESS_ALL_DOCTORS
from accounts.models import ApiToken
from accounts.roles import ROLES
from tests.support.accounts import bearer, make_user
from tests.support.gateway import assert_problem, predict

pytestmark = pytest.mark.django_db

BAD_DURATIONS = ("", "90", "0d", "-1d", "1y", "99999w")
TOKEN = re.compile(r"mlp_[A-Za-z0-9_-]{43}")


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def doctor() -> User:
    return make_user("kim", "clinician", doctor_name="Dr. Kim")


def create_token(*words: str) -> str:
    out = StringIO()
    call_command("create_token", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def with_token(token: str) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def test_the_command_prints_a_token_that_works(gateway: Client, doctor: User) -> None:
    token = create_token("kim").splitlines()[-1]
    assert TOKEN.fullmatch(token)
    assert predict(gateway, **with_token(token)).status_code == 200
    assert predict(gateway, HTTP_AUTHORIZATION=f"bearer  {token} ").status_code == 200


def test_the_table_has_no_token(doctor: User) -> None:
    token = create_token("kim", "--name", "my notebook").strip()
    [row] = ApiToken.objects.values()
    assert not [value for value in row.values() if token in str(value)]
    assert (row["digest"], row["name"]) == (hashlib.sha256(token.encode()).hexdigest(), "my notebook")
    assert token.startswith(row["prefix"])
    assert len(row["prefix"]) < len(token) / 4


def test_no_two_tokens_are_the_same(doctor: User) -> None:
    assert len({create_token("kim") for _ in range(50)}) == 50


def test_a_token_that_expires(gateway: Client, doctor: User) -> None:
    token = create_token("kim", "--expires", "90d").strip()
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    assert abs(row.expires_at - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=5)
    assert predict(gateway, **with_token(token)).status_code == 200
    ApiToken.objects.update(expires_at=datetime.now(UTC))
    assert_problem(predict(gateway, **with_token(token)), 401, "not-signed-in")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nobody"], "no user nobody"),
        (["gone"], "gone is not active"),
        (["kim", "--scope", "everything"], "everything: no such scope. There are predict, "),
        (["kim", "--scope", ""], "--scope is empty"),
        (["kim", "--scope", "predict,all"], "all: no such scope"),
        *((["kim", f"--expires={text}"], "--expires must be a duration such as 90d") for text in BAD_DURATIONS),
    ],
)
def test_the_command_says_what_is_wrong(doctor: User, words: list[str], problem: str) -> None:
    User.objects.create_user("gone", is_active=False)
    with pytest.raises(CommandError, match=re.escape(problem)) as caught:
        create_token(*words)
    assert caught.value.returncode == 2
    assert not ApiToken.objects.exists()


def test_a_scope_restricts_a_token(gateway: Client, doctor: User) -> None:
    token = create_token("kim", "--scope", "history").strip()
    assert gateway.get("/ml/v1/history/", **with_token(token)).status_code == 200
    assert_problem(predict(gateway, **with_token(token)), 403, "not-allowed")
    both = create_token("kim", "--scope", "history", "--scope", "predict,feedback").strip()
    assert ApiToken.objects.latest("created_at").scopes == "feedback history predict"
    assert predict(gateway, **with_token(both)).status_code == 200


def test_a_scope_gives_nothing_that_the_user_may_not(gateway: Client, doctor: User) -> None:
    fields = bearer(doctor, "jobs", "export", "access-log", "models")
    assert_problem(gateway.get("/ml/v1/retrain/jobs/", **fields), 403, "not-allowed")
    assert_problem(gateway.get("/ml/v1/dataset/", **fields), 403, "not-allowed")


def test_a_scope_restricts_a_superuser_s_token(gateway: Client) -> None:
    fields = bearer(User.objects.create_superuser("root"), "predict")
    assert predict(gateway, **fields).status_code == 200
    assert_problem(gateway.get("/ml/v1/history/", **fields), 403, "not-allowed")


def test_the_rows_of_a_token_are_those_of_its_user(gateway: Client) -> None:
    fields = bearer(make_user("reviewer", "reviewer"), "history")
    assert gateway.get("/ml/v1/history/?doctor=anybody", **fields).status_code == 200
    assert ACCESS_ALL_DOCTORS in scopes.permissions_of("predict")


def test_a_scope_that_was_removed_from_the_code_gives_nothing(gateway: Client, doctor: User) -> None:
    fields = bearer(doctor)
    ApiToken.objects.update(scopes="once")
    assert_problem(predict(gateway, **fields), 403, "not-allowed")


def test_every_permission_of_a_role_is_in_a_scope() -> None:
    """Otherwise a token for that work can't be restricted."""
    of_the_api = {
        name for names in ROLES.values() for name in names if name.split(".")[0] in {"ml_proxy", "jobs", "mlflow"}
    }
    assert of_the_api <= frozenset().union(*scopes.SCOPES.values())


@pytest.mark.parametrize(
    "which", [lambda row, token: str(row.pk), lambda row, token: row.prefix, lambda row, token: token]
)
def test_the_command_revokes_a_token(gateway: Client, doctor: User, which: Callable[[ApiToken, str], str]) -> None:
    row, token = tokens.create(doctor, name="")
    other, _ = tokens.create(doctor, name="")
    out = StringIO()
    call_command("revoke_token", which(row, token), stdout=out)
    assert out.getvalue().startswith("Revoked: 1.")
    assert_problem(predict(gateway, **with_token(token)), 401, "not-signed-in")
    assert list(ApiToken.objects.filter(revoked_at=None)) == [other]


def test_the_command_revokes_all_tokens_of_a_user(doctor: User) -> None:
    for _ in range(2):
        tokens.create(doctor, name="")
    tokens.create(make_user("lee"), name="")
    call_command("revoke_token", "--user", "kim", stdout=StringIO())
    assert [token.user.username for token in ApiToken.objects.filter(revoked_at=None)] == ["lee"]


@pytest.mark.parametrize("words", [["mlp_unknown"], ["--user", "nobody"], ["01a22a05-8b7b-70ca-b1ab-c1c7fead7a7d"]])
def test_revoking_what_is_not_there_is_an_error(doctor: User, words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("revoke_token", *words, stdout=StringIO())
    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer mlp_", "Bearer a b", "Bearer \xff", f"Bearer {'x' * 8000}", "bearer\tx", "Digest x"],
)
def test_what_is_no_token_is_a_401(gateway: Client, doctor: User, authorization: str) -> None:
    assert_problem(predict(gateway, HTTP_AUTHORIZATION=authorization), 401, "not-signed-in")


def test_the_token_does_not_reach_the_model(gateway: Client, doctor: User, model: Any) -> None:
    assert predict(gateway, **bearer(doctor)).status_code == 200
    [request] = model.requests
    assert "authorization" not in request.fields
