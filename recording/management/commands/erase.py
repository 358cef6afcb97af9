"""`manage.py erase`: permanently erases rows, and leaves tombstones that verify."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from common.exceptions import Unavailable
from recording import erasure
from recording.source_options import add_options, read_options
from recording.sources import RecordSource


class Command(BaseCommand):
    """Counts the matching rows; erases them with `--yes`."""

    help = (
        "Permanently erases the rows of a source (the first one unless --source names another) that match ALL of the "
        "given conditions, with their feedback and files; tombstones keep the log verifiable. Without --yes it only "
        "counts the rows. Waiting records are not rows yet: run it again once `reconcile` counts none waiting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The source, the conditions, the reason and the confirmation."""
        add_options(parser)
        parser.add_argument("--before", help="only events before this time, ISO 8601 with an offset")
        parser.add_argument("--reason", required=True, help="kept with each tombstone; do not name a patient")
        parser.add_argument("--yes", action="store_true", help="really erase")

    def handle(self, *args: Any, **options: Any) -> str:
        """Returns what was done, or would be done."""
        before = parse_datetime(options["before"]) if options["before"] else None
        if options["before"] and (before is None or before.tzinfo is None):
            raise CommandError("--before must be a time such as 2026-01-31T09:00:00Z")
        source, values = read_options(options)
        if not (values or before):
            choices = " or ".join(f"--{name}" for name in [*source.filters, "before"])
            raise CommandError(f"Give {choices}: this command does not erase a whole log.")
        rows = erasure.matching(source, before=before, **values)
        total = rows.count()
        if not options["yes"]:
            return f"{total} rows match. Nothing was erased; --yes erases them permanently."
        self._erase(source, rows, total, options["reason"][:200])
        return f"{total} rows were erased; their tombstones verify."

    def _erase(self, source: RecordSource, rows: Any, total: int, reason: str) -> None:
        with tqdm(total=total, unit="row", disable=None) as bar:
            try:
                for erased in erasure.erase(source, rows, reason):
                    bar.update(erased)
            except Unavailable as exc:
                done = f"{bar.n:.0f} of {total} rows were erased"
                raise CommandError(f"{exc.detail} {done}: run it again.") from exc
