"""The Django app `accounts`."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Authentication, tokens, roles, whose records a caller may see, and the access log."""

    name = "accounts"

    def ready(self) -> None:
        """Registers the access log and what is noted in it, and creates the roles after migrations."""
        from accounts import access_log  # noqa: PLC0415 - models load once the apps are ready
        from accounts.access_log import rights, sign_ins  # noqa: PLC0415
        from accounts.access_log.source import ACCESS  # noqa: PLC0415
        from common import access  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        sources.register(ACCESS)
        access.register(access_log.note)
        sign_ins.connect()
        rights.connect()
        post_migrate.connect(_create_roles, dispatch_uid="accounts.roles")


def _create_roles(**given: Any) -> None:
    """Django has created the permissions by then. A database that is being made takes no record of it yet."""
    from accounts.access_log import rights  # noqa: PLC0415
    from accounts.roles import create_roles  # noqa: PLC0415

    with rights.unnoted():
        create_roles(**given)
