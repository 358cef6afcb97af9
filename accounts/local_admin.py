"""The generated administrator on a developer's own machine, and the sign-in without a password there."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from common.client_address import is_loopback
from common.conf import settings

if TYPE_CHECKING:
    from django.contrib.auth.models import User  # `make up` loads this module before the models

USERNAME = "admin"


def password_file() -> Path:
    """Where `make up` keeps the generated password. The file exists only if it generated the account."""
    return Path(settings.VAR_DIR) / "admin-password"


def for_one_click(request: HttpRequest) -> "User | None":
    """The generated administrator, if this caller may sign in as that without a password; else None.

    That takes DEBUG and API_AUTH=open, where the API needs no password either, and a caller on this machine that no
    proxy stands in front of.
    """
    if not (settings.DEBUG and settings.API_AUTH == "open" and is_loopback(request) and password_file().exists()):
        return None
    return get_user_model().objects.filter(username=USERNAME, is_superuser=True, is_active=True).first()
