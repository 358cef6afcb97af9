"""The Django app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Authentication, permissions and the access log."""

    name = "accounts"

    def ready(self) -> None:
        """Registers the access log as a record source, and what is noted in it."""
        from accounts import access_log  # noqa: PLC0415 - models load once the apps are ready
        from accounts.access_log import rights, sign_ins  # noqa: PLC0415
        from accounts.access_log.source import ACCESS  # noqa: PLC0415
        from common import access  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        sources.register(ACCESS)
        access.register(access_log.note)
        sign_ins.connect()
        rights.connect()
