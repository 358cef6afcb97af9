"""Who calls: a name, permissions, and the doctors whose records the caller may see."""

from dataclasses import dataclass

from django.http import HttpRequest
from rest_framework.request import Request

from common.conf import settings

ACCESS_ALL_DOCTORS = "accounts.access_all_doctors"


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
    """The caller of an authenticated request, Django's or the framework's."""
    if settings.API_AUTH == "open":
        return ANYONE
    user = request.user
    return Caller(str(user.get_username()), frozenset(user.get_all_permissions()), user.is_superuser, None)
