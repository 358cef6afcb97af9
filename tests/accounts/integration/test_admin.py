"""Admin pages of tokens and profiles."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from accounts import tokens
from accounts.models import ApiToken, Profile
from tests.support.accounts import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ADD, LIST = "/admin/accounts/apitoken/add/", "/admin/accounts/apitoken/"
FORM = {"name": "notebook", "scopes": ["predict", "history"], "expires_at_0": "", "expires_at_1": ""}


def staff(client: Client, *codenames: str) -> User:
    user = make_user("staff", permissions=codenames)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def root(client: Client) -> User:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    return user


def shown_token(response: Any) -> str:
    found = re.search(r"mlp_[A-Za-z0-9_-]{43}", response.content.decode())
    assert found
    return found[0]


def test_a_new_token_is_shown_once(client: Client, root: User) -> None:
    kim = make_user("kim")
    response = client.post(ADD, {**FORM, "user": kim.pk}, follow=True)
    token = shown_token(response)
    row = ApiToken.objects.get()
    assert (row.user, row.digest, row.scopes) == (kim, tokens.digest_of(token), "history predict")
    assert "no-store" in response["Cache-Control"]
    for page in (LIST, f"{LIST}{row.pk}/change/", "/admin/"):
        text = client.get(page).content.decode()
        assert token not in text
        assert row.digest not in text
    assert row.prefix in client.get(LIST).content.decode()
    assert token not in str(client.session.items())


def test_only_a_superuser_makes_tokens_of_others(client: Client) -> None:
    user = staff(client, "add_apitoken", "view_apitoken")
    root = User.objects.create_superuser("root")
    assert 'name="user"' not in client.get(ADD).content.decode()
    assert shown_token(client.post(ADD, {**FORM, "user": root.pk}))
    assert ApiToken.objects.get().user == user


def test_an_operator_sees_who_has_which_token_and_changes_nothing(client: Client) -> None:
    row, _ = tokens.create(make_user("kim"), name="notebook")
    staff(client, "view_apitoken")
    page = client.get(LIST).content.decode()
    assert row.prefix in page
    assert "kim" in page
    assert client.get(ADD).status_code == 403
    client.post(LIST, {"action": "revoke", "_selected_action": [str(row.pk)]})
    client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert ApiToken.objects.get().revoked_at is None


def test_the_admin_revokes_tokens(client: Client) -> None:
    row, _ = tokens.create(make_user("kim"), name="notebook")
    staff(client, "view_apitoken", "change_apitoken")
    response = client.post(LIST, {"action": "revoke", "_selected_action": [str(row.pk)]}, follow=True)
    assert "Revoked: 1." in response.content.decode()
    assert ApiToken.objects.get().revoked_at is not None


def test_a_profile_s_names_are_stored_in_their_canonical_form(client: Client, root: User) -> None:
    form = {"user": root.pk, "doctor_name": " Zoe\u0301 ", "acts_for": " Dr. Kim \r\n\r\nDr. Lee"}
    assert client.post("/admin/accounts/profile/add/", form).status_code == 302
    profile = Profile.objects.get()
    assert (profile.doctor_name, profile.acts_for) == ("Zo\u00e9", "Dr. Kim\nDr. Lee")


def test_a_profile_with_a_name_that_no_prediction_can_have_is_refused(client: Client, root: User) -> None:
    response = client.post("/admin/accounts/profile/add/", {"user": root.pk, "acts_for": "x" * 101})
    assert "at most 100 characters" in response.content.decode()
    assert not Profile.objects.exists()


def test_the_permissions_exist() -> None:
    names = {"access_all_doctors", "promote_model", "view_payload", "view_apitoken", "add_apitoken"}
    assert set(Permission.objects.filter(codename__in=names).values_list("codename", flat=True)) == names
