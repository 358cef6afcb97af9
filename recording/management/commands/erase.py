"""`manage.py erase`: erases rows for good, and leaves tombstones that verify."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from common.exceptions import Unavailable
from recording import erasure, sources
from recording.sources import RecordSource


class Command(BaseCommand):
    """Counts what matches; erases it with `--yes`."""

    help = (
        "Erases the rows of a source (the log of inferences unless --source names another) that match ALL of the "
        "conditions given, for good, with what was said about them and with their files; tombstones keep the log "
        "provable. Shows how many there are and erases nothing unless --yes is given. Records still on their way are "
        "not rows yet: run it again once `reconcile` says that none waits."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Conditions, why, and whether to erase."""
        known = sources.registered()
        names = [source.name for source in known]
        parser.add_argument("--source", choices=names, default=names[0], help=f"whose rows ({names[0]})")
        for name, read in {name: each.read for source in known for name, each in source.filters.items()}.items():
            parser.add_argument(f"--{name}", type=read, help="whole name")
        parser.add_argument("--before", help="before this moment, ISO 8601 with an offset")
        parser.add_argument("--reason", required=True, help="kept with each tombstone; name no patient here")
        parser.add_argument("--yes", action="store_true", help="erase")

    def handle(self, *args: Any, **options: Any) -> str:
        """What was done, or would be."""
        before = parse_datetime(options["before"]) if options["before"] else None
        if options["before"] and (before is None or before.tzinfo is None):
            raise CommandError("--before must be a moment such as 2026-01-31T09:00:00Z")
        source = sources.named(options["source"])
        values = {name: options[name] for name in source.filters if options[name]}
        if not (values or before):
            choices = " or ".join(f"--{name}" for name in [*source.filters, "before"])
            raise CommandError(f"Give {choices}: this command erases no whole log.")
        rows = erasure.matching(source, before=before, **values)
        total = rows.count()
        if not options["yes"]:
            return f"{total} rows match. Nothing was erased; --yes erases them for good."
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
