"""`manage.py dataset`: exports judged inferences for training to a file."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from common import person_names
from common.export import Piece
from common.export_formats import Form
from common.file_command import SPAN, FileCommand
from common.row_scope import EVERYTHING
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.dataset import export


class Command(FileCommand):
    """Writes one row for each inference that has a verdict."""

    help = (
        "Writes judged inferences to a file, oldest verdict first, each with its newest verdict and without the "
        "doctor's and the patient's name. With conditions, only inferences that match ALL of them are written. "
        "--since and --until filter by the time of the prediction. The file gets its name once it is complete. "
        "Only its owner can read it, because an input may identify a patient even without the name."
    )
    conditions: ClassVar = {"model": (person_names.exact, "a model's full name"), **SPAN}

    def noted_as(self, found: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """As the path does."""
        return "dataset.export", dict(found)

    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """Yields the file in pieces, in the order of the verdicts."""
        return export(FeedbackFilter(scope=EVERYTHING, **found), form)
