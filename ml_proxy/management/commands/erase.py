"""`manage.py erase`: erases inferences for good, and leaves tombstones that verify."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from ml_proxy import names
from ml_proxy.exceptions import StorageDown
from ml_proxy.use_cases import erasing


class Command(BaseCommand):
    """Counts what matches; erases it with `--yes`."""

    help = (
        "Erases the inferences that match ALL of the conditions given, for good, with the verdicts about them; "
        "and their files; tombstones keep the log provable. "
        "Shows how many there are and erases nothing unless --yes is given. Records still on their way are not "
        "rows yet: run it again once `reconcile` says that none waits."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Conditions, why, and whether in earnest."""
        parser.add_argument("--doctor", type=names.canonical, help="whole name")
        parser.add_argument("--patient", type=names.canonical, help="whole name")
        parser.add_argument("--before", help="predicted before this moment, ISO 8601 with an offset")
        parser.add_argument("--reason", required=True, help="kept with each tombstone; name no patient here")
        parser.add_argument("--yes", action="store_true", help="erase")

    def handle(self, *args: Any, **options: Any) -> str:
        """What was done, or would be."""
        before = parse_datetime(options["before"]) if options["before"] else None
        if options["before"] and (before is None or before.tzinfo is None):
            raise CommandError("--before must be a moment such as 2026-01-31T09:00:00Z")
        if not (options["doctor"] or options["patient"] or before):
            raise CommandError("Give --doctor, --patient or --before: this command erases no whole log.")
        rows = erasing.matching(doctor=options["doctor"], patient=options["patient"], before=before)
        total = rows.count()
        if not options["yes"]:
            return f"{total} inferences match. Nothing was erased; --yes erases them for good."
        with tqdm(total=total, unit="row", disable=None) as bar:
            try:
                for erased in erasing.erase(rows, options["reason"][:200]):
                    bar.update(erased)
            except StorageDown as exc:
                done = f"{bar.n:.0f} of {total} inferences were erased"
                raise CommandError(f"{exc.detail} {done}: run it again.") from exc
        return f"{total} inferences were erased; their tombstones verify."
