"""`manage.py encrypt_data`: encrypts what is stored with the first of DATA_KEYS, or counts what has another key."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from common import encryption
from recording import reencryption, remnants
from recording.command_errors import unreadable_files_as_command_errors
from recording.publisher import journal_folder
from recording.reencryption import Step

WAIT_SECONDS = 30.0


class Command(BaseCommand):
    """Rewrites rows and files that are clear, or have an older key."""

    help = (
        "Encrypts rows and files that are clear, or that have an older key, with the first of DATA_KEYS. It may run "
        "while everything else does, and may be interrupted and run again. With --check it changes nothing: it counts "
        "the values by key, and its exit status is 1 if any is not encrypted with the first key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds `--check` and `--no-progress`."""
        parser.add_argument("--check", action="store_true", help="only count what has which key")
        parser.add_argument("--no-progress", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> str:
        """Returns what was done. Raises `CommandError` if something is not encrypted with the first key."""
        if encryption.keys() is None:
            raise CommandError("DATA_KEYS is not set: nothing can be encrypted.", returncode=2)
        quiet = True if options["no_progress"] else None  # None: unless standard error is a terminal
        with unreadable_files_as_command_errors():
            return self._check() if options["check"] else self._encrypt(quiet)

    def _check(self) -> str:
        found = list(reencryption.usage(journal_folder()))
        for each in found:
            key = each.key if each.key == reencryption.CLEAR else f"key {each.key}"
            self.stdout.write(f"{each.place}: {each.values} {key}{'' if each.is_current else '  <- not the first key'}")
        if old := sum(each.values for each in found if not each.is_current):
            raise CommandError(f"{old} values are not encrypted with the first of DATA_KEYS.", returncode=1)
        return "Everything is encrypted with the first of DATA_KEYS; the others can be removed."

    def _encrypt(self, quiet: bool | None) -> str:
        with tqdm(total=reencryption.count_rows(), unit="row", disable=quiet) as bar:
            rows, unreadable = _walk(reencryption.encrypt_rows(), bar)
        with tqdm(unit="file", disable=quiet) as bar:
            files, _ = _walk(reencryption.encrypt_files(), bar)
        done = f"{rows} rows and {files} files were encrypted with the first of DATA_KEYS"
        if unreadable:
            advice = "verify_log names their rows"
            raise CommandError(f"{done}; {unreadable} values can't be decrypted and are left: {advice}.", returncode=1)
        if not remnants.empty_sqlite_log(WAIT_SECONDS):
            raise CommandError(f"{done}; SQLite's write-ahead log has old pages: run this again.", returncode=1)
        return f"{done}. See what is left with --check, and docs/runbook.md for PostgreSQL's own files."


def _walk(steps: Iterator[Step], bar: "tqdm[Any]") -> tuple[int, int]:
    """Returns how many were written, and how many values could not be decrypted."""
    written = unreadable = 0
    for step in steps:
        bar.update(step.seen)
        written, unreadable = written + step.written, unreadable + step.unreadable
    return written, unreadable
