"""`manage.py restore`: writes rows that are gone from the table, but not yet from the journal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recording import restoration
from recording.command_errors import unreadable_files_as_command_errors
from recording.origins import WrongKey
from recording.publisher import journal_folder
from recording.records import UnsupportedRecord
from recording.seals import UnknownKey


class Command(BaseCommand):
    """Restores what `verify_log` reports as settled, missing, and still in the journal."""

    help = (
        "Writes every record of this host's journal that has neither a row nor a disposition. "
        "Run it if `verify_log` reports missing numbers that the journal has."
    )

    def handle(self, *args: Any, **options: Any) -> str:
        """Returns how many records were restored."""
        total = 0
        try:
            with unreadable_files_as_command_errors(), tqdm(unit="record", disable=None) as bar:
                for restored in restoration.restore(journal_folder()):
                    bar.update(restored)
                    total += restored
        except (UnknownKey, UnsupportedRecord, WrongKey) as exc:
            raise CommandError(str(exc)) from exc
        return f"{total} records were restored."
