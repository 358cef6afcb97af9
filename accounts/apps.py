"""The Django app `accounts`."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Authentication, tokens, roles, and whose records a caller may see."""

    name = "accounts"

    def ready(self) -> None:
        """Creates the roles after migrations, when Django has created the permissions, and describes the API."""
        from accounts import openapi as openapi  # noqa: PLC0414, PLC0415
        from accounts.roles import create_roles  # noqa: PLC0415

        post_migrate.connect(create_roles, dispatch_uid="accounts.roles")
