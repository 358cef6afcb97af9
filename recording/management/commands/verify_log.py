"""`manage.py verify_log`: proves that nothing is missing from the log, nothing was changed, nothing was added."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from recording import sources, verification
from recording.backlog import waiting_numbers
from recording.command_errors import telling_what_is_unreadable
from recording.publisher import journal_folder

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
        parser.add_argument("--files", action="store_true", help="read every file in the storage too, which takes long")

    def handle(self, *args: Any, **options: Any) -> str:
        """The verdict, or `CommandError`."""
        with telling_what_is_unreadable():
            return self._verdict(options)

    def _verdict(self, options: dict[str, Any]) -> str:
        quiet = True if options["no_progress"] else None  # None: where standard error is no terminal
        with tqdm(total=verification.numbers_known(), unit="record", disable=quiet) as bar:
            looked_at, found = self._walk(verification.verify(journal_folder()), bar)
        filed = ""
        if options["files"]:
            with tqdm(unit="file", disable=quiet) as bar:
                total, bad = self._walk(_attachments(), bar)
            filed, found = f", and {total} files", found + bad
        if found:
            raise CommandError(f"{found} findings in {looked_at} records{filed}: the log is not whole.", returncode=1)
        waiting = sum(
            last - first + 1 for ranges in waiting_numbers(journal_folder()).values() for first, last in ranges
        )
        return f"{looked_at} records{filed}, each in its place and as it was written; the journal holds {waiting}."

    def _walk(self, steps: Iterator[verification.Step], bar: "tqdm[Any]") -> tuple[int, int]:
        """Shows what is found; gives how much was looked at, and how many findings there are."""
        looked_at = found = 0
        for step in steps:
            bar.update(step.looked_at)
            looked_at += step.looked_at
            for finding in step.findings:
                found += 1
                if found <= SHOWN:
                    bar.write(str(finding), file=self.stdout)
        return looked_at, found


def _attachments() -> Iterator[verification.Step]:
    return chain.from_iterable(source.verify_attachments() for source in sources.registered())
