"""Questions in SQL as a Django app."""

from django.apps import AppConfig


class TextToSQLConfig(AppConfig):
    """Registered databases, their metadata, and executions."""

    name = "text_to_sql"
    verbose_name = "Questions in SQL"

    def ready(self) -> None:
        """Registers the record sources."""
        from recording import sources  # noqa: PLC0415 - models load once the apps are ready
        from text_to_sql.source import EXECUTIONS, LLM_CALLS  # noqa: PLC0415

        sources.register(EXECUTIONS)
        sources.register(LLM_CALLS)
