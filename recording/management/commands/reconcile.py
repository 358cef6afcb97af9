"""`manage.py reconcile`: counts every recorded answer by where it is now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recording.command_errors import unreadable_files_as_command_errors
from recording.publisher import journal_folder
from recording.reconciliation import account


class Command(BaseCommand):
    """Prints the counts; exit status 1 if a number is in no set."""

    help = "Counts the log's numbers: answered = written + waiting + quarantined + erased + repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one count per line."""
        with unreadable_files_as_command_errors():
            counts = account(journal_folder())
        self.stdout.write("\n".join(counts.lines()))
        if counts.missing:
            raise CommandError(
                f"{counts.missing} numbers are missing; `manage.py verify_log` lists them.", returncode=1
            )
