"""`manage.py verify_log`: proves that no record of the log is missing, changed or added."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from recording import sources, verification
from recording.backlog import waiting_numbers
from recording.command_errors import unreadable_files_as_command_errors
from recording.findings import Step
from recording.publisher import heads, journal_folder
from recording.publisher.head_copies import copies_in

MAX_SHOWN = 100  # findings


class Command(BaseCommand):
    """Verifies the log; exit status 1 if there are findings."""

    help = (
        "Reads the whole log in bounded memory and reports missing numbers, changed rows and foreign rows. "
        "Run it on a host of the gateway: only there can it read the journal, and the heads that are saved "
        "outside the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds `--no-progress`, `--files` and `--heads`."""
        parser.add_argument("--no-progress", action="store_true", help="no progress bar")
        parser.add_argument(
            "--heads", nargs="+", type=Path, default=[], help="copies of saved heads, or folders of them"
        )
        parser.add_argument("--files", action="store_true", help="also read every file in the storage (slow)")

    def handle(self, *args: Any, **options: Any) -> str:
        """Returns the result. Raises `CommandError` if there are findings."""
        with unreadable_files_as_command_errors():
            return self._result(options)

    def _result(self, options: dict[str, Any]) -> str:
        quiet = True if options["no_progress"] else None  # None: unless standard error is a terminal
        copies = heads.merged(*map(_read_copy, chain.from_iterable(map(_files, options["heads"]))))
        with tqdm(total=verification.estimated_total(), unit="record", disable=quiet) as bar:
            checked, found = self._walk(verification.verify(journal_folder(), copies), bar)
        files = ""
        if options["files"]:
            with tqdm(unit="file", disable=quiet) as bar:
                total, bad = self._walk(_attachments(), bar)
            files, found = f", and {total} files", found + bad
        if found:
            raise CommandError(f"{found} findings in {checked} records{files}: the log is not intact.", returncode=1)
        waiting = sum(map(len, waiting_numbers(journal_folder()).values()))
        return f"{checked} records{files}, all in place and unchanged; the journal holds {waiting}."

    def _walk(self, steps: Iterator[Step], bar: "tqdm[Any]") -> tuple[int, int]:
        """Prints the findings. Returns how many items were checked, and how many findings there are."""
        checked = found = 0
        for step in steps:
            bar.update(step.checked)
            checked += step.checked
            for finding in step.findings:
                found += 1
                if found <= MAX_SHOWN:
                    bar.write(str(finding), file=self.stdout)
        return checked, found


def _attachments() -> Iterator[Step]:
    return chain.from_iterable(source.verify_attachments() for source in sources.registered())


def _files(path: Path) -> list[Path]:
    return copies_in(path) if path.is_dir() else [path]


def _read_copy(path: Path) -> heads.SavedHeads:
    try:
        return heads.read_file(path)
    except FileNotFoundError:
        raise CommandError(f"There is no file {path}.") from None
