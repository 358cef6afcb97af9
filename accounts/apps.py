"""The Django app `accounts`."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate

from common.periodic import PeriodicTask, register


class AccountsConfig(AppConfig):
    """Authentication, tokens, roles, and whose records a caller may see."""

    name = "accounts"

    def ready(self) -> None:
        """Creates the roles after migrations, when Django has created the permissions; lets sessions end."""
        from accounts import openapi as openapi  # noqa: PLC0414, PLC0415 - it describes the API
        from accounts.roles import create_roles  # noqa: PLC0415
        from common import session_expiry  # noqa: PLC0415 - needs the models

        post_migrate.connect(create_roles, dispatch_uid="accounts.roles")
        register(PeriodicTask(name="forget-old-sign-ins", task="accounts.forget_old_sign_ins", seconds=3600))
        user_logged_in.connect(session_expiry.start, dispatch_uid="session_expiry")
