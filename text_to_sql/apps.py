"""Questions in SQL as a Django app."""

from django.apps import AppConfig


class TextToSQLConfig(AppConfig):
    """Registered databases, their metadata, and executions."""

    name = "text_to_sql"
    verbose_name = "Questions in SQL"

    def ready(self) -> None:
        """Registers the record source and the job kind."""
        from jobs import kinds  # noqa: PLC0415 - models load once the apps are ready
        from recording import sources  # noqa: PLC0415
        from text_to_sql.execution.job import SQL  # noqa: PLC0415
        from text_to_sql.source import EXECUTIONS  # noqa: PLC0415

        sources.register(EXECUTIONS)
        kinds.register(SQL)
