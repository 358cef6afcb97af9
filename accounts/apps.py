"""The Django app `accounts`."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate

from common.periodic import PeriodicTask, register


class AccountsConfig(AppConfig):
    """Authentication, tokens, roles, whose records a caller may see, and the access log."""

    name = "accounts"

    def ready(self) -> None:
        """Registers the access log and what it notes, creates the roles after migrations, and lets sessions end."""
        from accounts import access_log  # noqa: PLC0415 - models load once the apps are ready
        from accounts import openapi as openapi  # noqa: PLC0414, PLC0415 - it describes the API
        from accounts.access_log import rights, sign_ins  # noqa: PLC0415
        from accounts.access_log.source import ACCESS  # noqa: PLC0415
        from accounts.oidc.doctor import identity_provider  # noqa: PLC0415
        from common import access, doctor, session_expiry  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        doctor.register("identity provider", identity_provider)
        sources.register(ACCESS)
        access.register(access_log.note)
        sign_ins.connect()
        rights.connect()
        register(PeriodicTask(name="forget-old-sign-ins", task="accounts.forget_old_sign_ins", seconds=3600))
        user_logged_in.connect(session_expiry.start, dispatch_uid="session_expiry")
        post_migrate.connect(_create_roles, dispatch_uid="accounts.roles")


def _create_roles(**given: Any) -> None:
    """Django has created the permissions by then. A database that is being made takes no record of it yet."""
    from accounts.access_log import rights  # noqa: PLC0415
    from accounts.roles import create_roles  # noqa: PLC0415

    with rights.unnoted():
        create_roles(**given)
