"""Questions in SQL as a Django app."""

from django.apps import AppConfig


class TextToSQLConfig(AppConfig):
    """Registered databases, their metadata, and executions."""

    name = "text_to_sql"
    verbose_name = "Questions in SQL"

    def ready(self) -> None:
        """Registers record sources and a job kind, and what decides who sees which rows of the databases."""
        from accounts.access_log import rights  # noqa: PLC0415 - models load once the apps are ready
        from common import doctor  # noqa: PLC0415
        from jobs import kinds  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415
        from text_to_sql.doctor import language_model  # noqa: PLC0415
        from text_to_sql.models import RowRule  # noqa: PLC0415
        from text_to_sql.source import EXECUTIONS, LLM_CALLS  # noqa: PLC0415
        from text_to_sql.statement_jobs import SQL  # noqa: PLC0415

        doctor.register("language model", language_model)
        rights.watch(RowRule)
        sources.register(EXECUTIONS)
        sources.register(LLM_CALLS)
        kinds.register(SQL)
