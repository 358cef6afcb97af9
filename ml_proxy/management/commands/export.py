"""`manage.py export`: exports the log, or the rows that match, to a file."""

from collections.abc import Iterator
from typing import Any, ClassVar

from common import person_names
from common.export import Piece
from common.export_formats import Form
from common.file_command import SPAN, FileCommand
from ml_proxy.export import export
from ml_proxy.history import wanted


class Command(FileCommand):
    """Writes rows of the log."""

    help = (
        "Writes inferences to a file, newest first: those that match ALL given conditions, or the whole log. The file "
        "gets its name once it is complete. It contains patients' data, so only its owner can read it. CSV contains "
        "every text unchanged: a spreadsheet may interpret one that starts with =, +, - or @ as a formula."
    )
    conditions: ClassVar = {
        "doctor": (person_names.canonical, "full name"),
        "patient": (person_names.canonical, "full name"),
        **SPAN,
    }

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """Yields the file in pieces, in history's order."""
        return export(wanted(**found), form)
