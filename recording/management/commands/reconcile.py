"""`manage.py reconcile`: where every recorded answer is."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recording.command_errors import telling_what_is_unreadable
from recording.publisher import journal_folder
from recording.reconciliation import account


class Command(BaseCommand):
    """Prints the account; exit status 1 when a number is in no set."""

    help = "Counts the log's numbers: answered = written + waiting + quarantined + erased + repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        """Figures, one a line."""
        with telling_what_is_unreadable():
            found = account(journal_folder())
        self.stdout.write("\n".join(found.lines()))
        if found.missing:
            raise CommandError(f"{found.missing} numbers are missing; `manage.py verify_log` names them.", returncode=1)
