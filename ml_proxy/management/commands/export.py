"""`manage.py export`: the log, or what is asked of it, as a file."""

from collections.abc import Iterator
from typing import Any, ClassVar

from ml_proxy import names
from ml_proxy.exporting import Form
from ml_proxy.management.files import SPAN, FileCommand
from ml_proxy.use_cases.exporting import Piece, export
from ml_proxy.use_cases.history import Question


class Command(FileCommand):
    """The log's rows."""

    help = (
        "Writes inferences to a file, newest first: those that match ALL of the conditions given, or the whole log. "
        "The file has its name only once it is whole; it holds patients' data and is its owner's alone to read. "
        "CSV holds every text as it is: a spreadsheet may take one that begins with =, +, - or @ for a formula."
    )
    conditions: ClassVar = {
        "doctor": (names.canonical, "whole name"),
        "patient": (names.canonical, "whole name"),
        **SPAN,
    }

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """In history's order."""
        return export(Question(**found), form)
