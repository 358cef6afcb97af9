"""Users with roles, and the header fields of their credentials."""

import base64
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group, Permission, User

from accounts import tokens
from accounts.models import Profile

PASSWORD = "correct horse battery"


def make_user(name: str, *roles: str, permissions: Sequence[str] = (), **profile: str) -> User:
    """A user in these roles with these permissions (codenames); `profile` has the columns of the profile."""
    user = User.objects.create_user(name, password=PASSWORD)
    user.groups.set(Group.objects.filter(name__in=roles))
    assert user.groups.count() == len(roles)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    if profile:
        Profile.objects.create(user=user, **profile)
    return user


def bearer(user: User, *scopes: str) -> dict[str, Any]:
    """The header field of a new token, as Django's test client takes it."""
    return {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(user, name='test', scopes=scopes)[1]}"}


def basic(name: str, password: str = PASSWORD) -> dict[str, Any]:
    """The header field of a user name and password."""
    return {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}
