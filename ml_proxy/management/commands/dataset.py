"""`manage.py dataset`: judged inferences to learn from, as a file."""

from collections.abc import Iterator
from typing import Any, ClassVar

from ml_proxy import names
from ml_proxy.exporting import Form
from ml_proxy.management.files import SPAN, FileCommand
from ml_proxy.use_cases.accuracy import Question
from ml_proxy.use_cases.dataset import export
from ml_proxy.use_cases.exporting import Piece


class Command(FileCommand):
    """One row for each inference that has a verdict."""

    help = (
        "Writes judged inferences to a file, oldest verdict first, each with its newest verdict and without the "
        "doctor's and the patient's name: those that match ALL of the conditions given, or all. --since and --until "
        "are about the time of the prediction. The file has its name only once it is whole; what a model is asked "
        "may tell of a patient without a name, so it is its owner's alone to read."
    )
    conditions: ClassVar = {"model": (names.exact, "a model's whole name"), **SPAN}

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """In the order of verdicts."""
        return export(Question(**found), form)
