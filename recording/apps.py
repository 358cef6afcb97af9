"""The ledger as a Django app."""

from django.apps import AppConfig

from common.periodic import PeriodicTask, register


class RecordingConfig(AppConfig):
    """Journal, publisher, ingestion and verification for the records of any source."""

    name = "recording"
    verbose_name = "Ledger"

    def ready(self) -> None:
        """Registers its probes, periodic tasks, metrics and system check, and the maker of the look-up key."""
        from django.conf import settings  # noqa: PLC0415
        from django.core import checks  # noqa: PLC0415
        from django.db.models.signals import post_migrate  # noqa: PLC0415 - models load once the apps are ready

        from common import doctor, health  # noqa: PLC0415
        from common.metrics import scrape  # noqa: PLC0415
        from recording import gauges, lookups, retention  # noqa: PLC0415
        from recording import health as probes  # noqa: PLC0415
        from recording.doctor import journal_disk  # noqa: PLC0415

        post_migrate.connect(lookups.make_key, sender=self)
        health.register("journal", probes.journal, is_required=True)
        health.register("publisher", probes.publisher_alive)
        health.register("log", probes.log)
        register(PeriodicTask(name="fold-heads", task="recording.fold_heads", seconds=3600, expires_seconds=3600))
        doctor.register("journal's disk", journal_disk)
        scrape.register_part("journal", gauges.of_journal)
        scrape.register_gauges(gauges.of_ledger)
        checks.register(retention.check_sources)
        if settings.RETENTION_DAYS:
            register(
                PeriodicTask(
                    name="erase-expired-records",
                    task="recording.erase_expired",
                    seconds=retention.SECONDS,
                    expires_seconds=retention.SECONDS,
                )
            )
