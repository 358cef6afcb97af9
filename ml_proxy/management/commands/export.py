"""`manage.py export`: the log, or what is asked of it, as a file."""

from collections.abc import Iterator
from typing import Any, ClassVar

from common import person_names
from common.export import Piece
from common.export_formats import Form
from common.file_command import SPAN, FileCommand
from ml_proxy.export import export
from ml_proxy.history import wanted


class Command(FileCommand):
    """The log's rows."""

    help = (
        "Writes inferences to a file, newest first: those that match ALL of the conditions given, or the whole log. "
        "The file has its name only once it is whole; it holds patients' data and is its owner's alone to read. "
        "CSV holds every text as it is: a spreadsheet may take one that begins with =, +, - or @ for a formula."
    )
    conditions: ClassVar = {
        "doctor": (person_names.canonical, "whole name"),
        "patient": (person_names.canonical, "whole name"),
        **SPAN,
    }

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """In history's order."""
        return export(wanted(**found), form)
