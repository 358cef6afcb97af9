"""`manage.py dataset`: judged inferences to learn from, as a file."""

from collections.abc import Iterator
from typing import Any, ClassVar

from common import person_names
from common.export import Piece
from common.export_formats import Form
from common.file_command import SPAN, FileCommand
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.dataset import export


class Command(FileCommand):
    """One row for each inference that has a verdict."""

    help = (
        "Writes judged inferences to a file, oldest verdict first, each with its newest verdict and without the "
        "doctor's and the patient's name: those that match ALL of the conditions given, or all. --since and --until "
        "are about the time of the prediction. The file has its name only once it is whole; what a model is asked "
        "may tell of a patient without a name, so it is its owner's alone to read."
    )
    conditions: ClassVar = {"model": (person_names.exact, "a model's whole name"), **SPAN}

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """In the order of verdicts."""
        return export(FeedbackFilter(**found), form)
