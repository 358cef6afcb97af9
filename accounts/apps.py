"""The Django app `accounts`."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in

from common import session_expiry


class AccountsConfig(AppConfig):
    """Authentication and permissions."""

    name = "accounts"

    def ready(self) -> None:
        """Lets sessions expire."""
        user_logged_in.connect(session_expiry.start, dispatch_uid="session_expiry")
