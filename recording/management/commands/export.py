"""`manage.py export`: exports the rows of a source, or those that match, to a file."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from common.export import Piece
from common.export_formats import Form
from common.file_command import SPAN, FileCommand
from common.row_scope import EVERYTHING
from recording.history import History
from recording.source_options import add_options, read_options


class Command(FileCommand):
    """The rows of one source."""

    help = (
        "Writes the rows of a source (inferences unless --source names another) to a file, newest first: those that "
        "match ALL given conditions, or all. The file gets its name once it is complete. It contains patients' data: "
        "only its owner can read it. CSV contains every text unchanged: a spreadsheet may interpret one that starts "
        "with =, +, - or @ as a formula."
    )
    conditions: ClassVar = SPAN

    def add_arguments(self, parser: CommandParser) -> None:
        """Which source, and its filters."""
        super().add_arguments(parser)
        add_options(parser)

    def read_conditions(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The source too, as `source`."""
        source, values = read_options(options)
        return super().read_conditions(options) | values | {"source": source}

    def noted_as(self, found: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Named after the source."""
        return f"{found['source'].noun}.export", {**found, "source": found["source"].name}

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """Yields the file in pieces, in history's order."""
        history = History(found.pop("source"))
        return history.export(history.filter(scope=EVERYTHING, **found), form)
