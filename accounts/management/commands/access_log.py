"""`manage.py access_log`: who looked at a patient, and when."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from accounts.access_log.formats import FORMS
from accounts.access_log.source import ACCESS, AccessRow
from accounts.access_log.views import HISTORY, note_look
from common.export import pieces
from common.file_command import BAD_INPUT, SPAN
from common.paging import MAX_ROWS
from common.printable import printable
from common.row_scope import EVERYTHING
from recording.history import HistoryFilter

TABLE = "table"
MAX_CELL = 60  # characters
COLUMNS = {"time": 19, "account": 20, "address": 15, "action": 20, "rows": 6, "reason": 20, "filter": 0}


class Command(BaseCommand):
    """Prints the entries of the access log that match."""

    help = (
        "Prints who looked at what, newest first: entries that match ALL given conditions, or all. "
        "`verify_log` proves that none is missing. The look itself is noted in the access log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The filters and the format."""
        for name in ACCESS.filters:
            parser.add_argument(f"--{name}", help="exact")
        for name, (_, help_text) in SPAN.items():
            parser.add_argument(f"--{name}", help=help_text)
        parser.add_argument("--format", choices=[TABLE, *FORMS], default=TABLE, help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a table, or writes a file to standard output."""
        query = _read(options)
        note_look(None, "access.list" if options["format"] == TABLE else "access.export", 0, query)
        wanted = HISTORY.filter(scope=EVERYTHING, limit=MAX_ROWS, **query)
        try:
            if options["format"] == TABLE:
                self._print(wanted)
            else:
                form = FORMS[options["format"]]
                for data, *_ in pieces(HISTORY.pages(wanted), form.writer(AccessRow)):
                    sys.stdout.buffer.write(data)
        except Error as exc:
            raise CommandError(f"The database did not return the rows ({type(exc).__name__}): check it.") from exc

    def _print(self, wanted: HistoryFilter) -> None:
        self.stdout.write(_line(dict(zip(COLUMNS, COLUMNS, strict=True))))
        for rows in HISTORY.pages(wanted):
            for row in rows:
                self.stdout.write(_line(_cells(row)))


def _read(options: dict[str, Any]) -> dict[str, Any]:
    """The conditions that are given. Raises `CommandError`."""
    readers = {name: each.read for name, each in ACCESS.filters.items()} | {
        name: read for name, (read, _) in SPAN.items()
    }
    return dict(_values(options, readers))


def _values(options: dict[str, Any], readers: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, read in readers.items():
        if (text := options.get(name)) is not None:
            try:
                yield name, read(text)
            except ValueError as exc:
                raise CommandError(f"--{name} {exc}.", returncode=BAD_INPUT) from exc


def _cells(row: AccessRow) -> dict[str, str]:
    filters = ", ".join(f"{name}={value}" for name, value in json.loads(row.filters).items())
    return {
        "time": f"{row.recorded_at:%Y-%m-%d %H:%M:%S}",
        "account": row.account or "-",
        "address": row.address or "-",
        "action": row.action,
        "rows": str(row.row_count),
        "reason": row.purpose or row.detail or "-",
        "filter": filters,
    }


def _line(cells: dict[str, str]) -> str:
    return "  ".join(printable(cells[name], MAX_CELL).ljust(width) for name, width in COLUMNS.items()).rstrip()
