"""Sign-ins, their failures, and changes of rights are in the access log; a password never is."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts import tokens
from accounts.models import Profile
from tests.support.access_log import Noted
from tests.support.gateway import assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LOGIN, PASSWORD = "/admin/login/", "correct horse"


@pytest.fixture
def user(gateway: Client) -> User:
    return User.objects.create_superuser("dr-kim", password=PASSWORD)


def sign_in(client: Client, name: str, password: str) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, headers={"X-Request-ID": "login"})


def said(noted: Noted, prefix: str = "session.") -> list[tuple[str, str, int]]:
    return [(each.action, each.account, each.status) for each in noted() if each.action.startswith(prefix)]


def test_sign_ins_and_sign_outs_are_noted(gateway: Client, user: User, noted: Noted) -> None:
    assert sign_in(gateway, "dr-kim", PASSWORD).status_code == 302
    gateway.post("/admin/logout/")
    assert said(noted) == [("session.sign-in", "dr-kim", 200), ("session.sign-out", "dr-kim", 200)]
    [first, *_] = [each for each in noted() if each.action == "session.sign-in"]
    assert (first.request_id, first.address, first.route) == ("login", "127.0.0.1", "admin/login/")


def test_a_wrong_password_is_noted_with_the_account(gateway: Client, user: User, noted: Noted) -> None:
    sign_in(gateway, "dr-kim", "wrong secret")
    assert said(noted) == [("session.sign-in-failed", "dr-kim", 401)]
    assert "secret" not in "".join(map(str, noted()))


@pytest.mark.parametrize("name", ["my-password-in-the-wrong-field", "x\0y"])
def test_a_name_that_is_no_account_is_not_kept(gateway: Client, user: User, noted: Noted, name: str) -> None:
    sign_in(gateway, name, "x")
    assert name not in "".join(map(str, noted()))
    assert {account for _, account, _ in said(noted)} <= {"(unknown)"}


def test_a_failed_basic_authentication_is_noted(gateway: Client, user: User, noted: Noted, settings: Settings) -> None:
    settings.API_AUTH = "required"
    assert (
        gateway.get("/ml/v1/history/", headers={"Authorization": "Basic ZHIta2ltOng="}).status_code == 401
    )  # dr-kim:x
    assert ("session.sign-in-failed", "dr-kim", 401) in said(noted)


def test_strangers_cannot_fill_the_log(gateway: Client, noted: Noted) -> None:
    for number in range(60):
        sign_in(gateway, f"nobody-{number}", "x")
    assert len(said(noted)) < 60


def test_a_sign_in_that_cannot_be_noted_is_refused_and_ends_its_session(
    gateway: Client, user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recording import recorder  # noqa: PLC0415 - models load once Django is set up
    from recording.exceptions import NotRecorded  # noqa: PLC0415

    def refuse(_: object) -> None:
        raise NotRecorded("Neither takes it.")

    monkeypatch.setattr(recorder, "record_without_reservation", refuse)
    assert_problem(sign_in(gateway, "dr-kim", PASSWORD), 503, "not-recorded")
    monkeypatch.undo()
    assert gateway.get("/admin/").status_code == 302


def details(noted: Noted) -> list[str]:
    return [each.detail for each in noted() if each.action.startswith("rights.")]


def test_changes_of_rights_are_noted(gateway: Client, noted: Noted) -> None:
    user = User.objects.create_user("nurse", password=PASSWORD)
    group = Group.objects.create(name="night shift")
    permission = Permission.objects.get(codename="view_inferencelog")
    group.permissions.add(permission)
    user.groups.add(group)
    user.user_permissions.set([permission])
    user.is_staff = True
    user.set_password("another")
    user.save()
    user.groups.clear()
    user.delete()
    assert details(noted) == [
        "created user nurse",
        "created group night shift",
        "group night shift: added permission ml_proxy.view_inferencelog",
        "user nurse: added group night shift",
        "user nurse: added permission ml_proxy.view_inferencelog",
        "user nurse: is_staff False to True, password changed",
        "user nurse: removed all groups",
        "deleted user nurse",
    ]
    assert "another" not in "".join(map(str, noted()))
    assert {each.account[:3] for each in noted()} == {"os:"}


def test_what_is_no_right_is_not_noted(gateway: Client, noted: Noted, user: User) -> None:
    before = len(details(noted))
    user.date_joined = datetime(2020, 1, 1, tzinfo=UTC)
    user.save()
    sign_in(gateway, "dr-kim", PASSWORD)  # sets last_login
    assert len(details(noted)) == before


def test_a_change_in_the_admin_names_who_made_it(gateway: Client, user: User, noted: Noted) -> None:
    gateway.force_login(user)
    form = {"name": "trainers", "permissions": [str(Permission.objects.get(codename="add_job").pk)]}
    assert gateway.post("/admin/auth/group/add/", form).status_code == 302
    made = [each for each in noted() if "trainers" in each.detail]
    assert [each.detail for each in made] == ["created group trainers", "group trainers: added permission jobs.add_job"]
    assert {(each.account, each.route) for each in made} == {("dr-kim", "admin/auth/group/add/")}


def test_a_change_of_the_name_that_decides_whose_rows_an_account_sees_is_noted(gateway: Client, noted: Noted) -> None:
    user = User.objects.create_user("nurse")
    user.first_name, user.email = "Dr. Kim", "kim@clinic.example"
    user.save()
    assert details(noted)[1:] == ["user nurse: first_name '' to 'Dr. Kim', email '' to 'kim@clinic.example'"]


def test_a_new_profile_or_token_is_noted_with_what_it_gives(gateway: Client, noted: Noted) -> None:
    user = User.objects.create_user("gateway of the ward")
    Profile.objects.create(user=user, acts_for="Dr. Kim\nDr. Lee")
    tokens.create(user, name="ward", scopes=["history"])
    _, profile, token = details(noted)
    assert profile.endswith("of gateway of the ward: acts_for 'Dr. Kim\\nDr. Lee'")
    assert "name 'ward'" in token
    assert "scopes 'history'" in token
    assert "digest" not in token


@pytest.mark.parametrize("by", ["page", "admin", "command"])
def test_a_revoked_token_is_noted_with_who_revoked_it(gateway: Client, user: User, noted: Noted, by: str) -> None:
    row, _ = tokens.create(user, name="t")
    gateway.force_login(user)
    if by == "page":
        gateway.post(f"/accounts/tokens/{row.pk}/revoke/")
    elif by == "admin":
        gateway.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [str(row.pk)]})
    else:
        call_command("revoke_token", str(row.pk), stdout=StringIO())
    revoked = noted()[-1]
    assert (revoked.action, revoked.account) == ("rights.change", revoked.account if by == "command" else "dr-kim")
    assert revoked.detail.startswith(f"API token {row.pk} of dr-kim: revoked_at None to ")


@pytest.mark.django_db(transaction=True)  # otherwise the password is checked in the request's thread
def test_a_failed_basic_authentication_has_the_request_id(
    gateway: Client, user: User, noted: Noted, settings: Settings
) -> None:
    settings.API_AUTH = "required"
    gateway.get("/ml/v1/history/", headers={"Authorization": "Basic ZHIta2ltOng=", "X-Request-ID": "basic-1"})
    assert [each.request_id for each in noted() if each.action == "session.sign-in-failed"] == ["basic-1"]
