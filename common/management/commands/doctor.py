"""`manage.py doctor`: tries every connection that the settings name, and says what to mend."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common import doctor


class Command(BaseCommand):
    """Exits with 0 if nothing is wrong, otherwise with 1. Shows no secret."""

    help = (
        "Tries each connection that the settings name (database, Redis, model server, files, MLflow, language model, "
        "identity provider), the journal's disk and the clock, and says what to mend. Exits with 1 if a part is wrong."
    )
    requires_system_checks = ()  # a database that is down is a finding, not an error

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--json", action="store_true", help="print a JSON object instead of lines")
        parser.add_argument("--seconds", type=float, default=doctor.SECONDS, help="the deadline of all checks together")

    def handle(self, *_: object, **options: Any) -> None:
        """Prints a line for each part."""
        found = doctor.examine(options["seconds"])
        is_well = all(each.verdict != "wrong" for each in found)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": is_well, "parts": [asdict(each) for each in found]}, indent=2))
        else:
            for each in found:
                self.stdout.write(_line(each))
        if not is_well:
            sys.exit(1)


def _line(found: doctor.Finding) -> str:
    mend = f" {found.mend}" if found.mend else ""
    end = "." if found.mend and not found.detail.endswith(".") else ""
    return f"{found.verdict:<8} {found.part:<18} {found.detail}{end}{mend}"
