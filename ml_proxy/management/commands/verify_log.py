"""`manage.py verify_log`: proves that nothing is missing from the log, nothing was changed, nothing was added."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ml_proxy.management.reading import telling_what_is_unreadable
from ml_proxy.publisher import journal_folder
from ml_proxy.use_cases import proving
from ml_proxy.use_cases.backlog import waiting_numbers

SHOWN = 100  # findings


class Command(BaseCommand):
    """Walks the log; exit status 1 when it finds anything."""

    help = (
        "Walks the whole log in bounded memory and reports missing numbers, changed rows and foreign rows. "
        "Run it on a host of the gateway: there it also knows what is still on its way, and the heads kept "
        "outside the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One, for scripts."""
        parser.add_argument("--no-progress", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> str:
        """The verdict, or `CommandError`."""
        with telling_what_is_unreadable():
            return self._verdict(options)

    def _verdict(self, options: dict[str, Any]) -> str:
        looked_at = found = 0
        quiet = True if options["no_progress"] else None  # None: where standard error is no terminal
        with tqdm(total=proving.numbers_known(), unit="record", disable=quiet) as bar:
            for step in proving.prove(journal_folder()):
                bar.update(step.looked_at)
                looked_at += step.looked_at
                for finding in step.findings:
                    found += 1
                    if found <= SHOWN:
                        bar.write(str(finding), file=self.stdout)
        if found:
            raise CommandError(f"{found} findings in {looked_at} records: the log is not whole.", returncode=1)
        waiting = sum(
            last - first + 1 for ranges in waiting_numbers(journal_folder()).values() for first, last in ranges
        )
        return f"{looked_at} records, each in its place and as it was written; the journal holds {waiting}."
