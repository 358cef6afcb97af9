"""Who calls: a name, permissions, and the doctors whose records the caller may see."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from common.conf import settings

ACCESS_ALL_DOCTORS = "accounts.access_all_doctors"  # the permission of callers without a row scope


@dataclass(frozen=True)
class Caller:
    """An authenticated caller, or the anonymous one with API_AUTH=open.

    `permissions` are "app.codename", already restricted by a token's scopes. `doctors` are the canonical names of the
    doctors that the caller may see and predict for; None means all.
    """

    name: str
    permissions: frozenset[str]
    is_superuser: bool
    doctors: frozenset[str] | None
    token_id: str = ""

    def may(self, permission: str) -> bool:
        """Whether the caller has the permission."""
        return self.is_superuser or permission in self.permissions

    def may_see(self, doctor_name: str) -> bool:
        """Whether the caller may see records of this doctor, and predict for them; the name is canonical."""
        return self.doctors is None or doctor_name in self.doctors


ANYONE = Caller("", frozenset(), is_superuser=True, doctors=None)


def caller_of(request: HttpRequest | Request) -> Caller:
    """The caller of an authenticated request, Django's or the framework's; in the admin, the user who is signed in.

    Raises `NotAuthenticated`.
    """
    found = getattr(request, "caller", None)
    if isinstance(found, Caller):
        return found
    if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        return caller_of_user(request.user)
    if settings.API_AUTH == "open":
        return ANYONE
    raise NotAuthenticated("Sign in first.")


def caller_of_user(user: Any) -> Caller:
    """The caller that a user is without a token's scopes. Asks the database. Raises `NotAuthenticated`."""
    from accounts.rights import rights_of  # noqa: PLC0415 - models load once the apps are ready

    if user.is_superuser and user.is_active:
        return Caller(user.get_username(), frozenset(), is_superuser=True, doctors=None)
    rights = rights_of([user.pk]).get(user.pk)
    if rights is None:
        raise NotAuthenticated("This user is not active.")
    return rights.as_caller()
