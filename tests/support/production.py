"""A gateway in production mode: its settings, and accounts with tokens."""

import secrets

from tests.support.system import System

CLINICIAN = "clinician"
_CREATE_USER = """
from django.contrib.auth.models import Group, User
user = User.objects.create_user(**{fields!r})
user.groups.set(Group.objects.filter(name__in={roles!r}))
"""


def production_settings() -> dict[str, str]:
    """The environment of a gateway outside DEBUG, which answers on loopback; the keys are new."""
    return {
        "DEBUG": "0",
        "API_AUTH": "required",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "SEAL_KEY": secrets.token_urlsafe(48),
    }


def create_clinician(system: System, doctor_name: str, password: str = "", *more_roles: str) -> str:
    """Creates an account that predicts for this doctor, in a migrated database. Returns its token."""
    first_name, _, last_name = doctor_name.partition(" ")
    fields = {"username": CLINICIAN, "first_name": first_name, "last_name": last_name, "password": password or None}
    system.manage("shell", "-v0", "-c", _CREATE_USER.format(fields=fields, roles=["clinician", *more_roles]))
    return system.manage("create_token", CLINICIAN).splitlines()[-1]
