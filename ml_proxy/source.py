"""The record source of inferences."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attachments.source import AttachmentSource
from common import advisory_lock, person_names
from ml_proxy.models import FEEDBACK_LOCK, Feedback, IdempotencyKey, InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.rows import Row
from recording.sources import Filter


class InferenceSource(AttachmentSource):
    """Stores answered predictions in `InferenceLog`."""

    record = InferenceRecord
    model = InferenceLog
    row = Row
    filters: ClassVar[Mapping[str, Filter]] = {
        "doctor": Filter("doctor_name", person_names.canonical),
        "patient": Filter("patient_name", person_names.canonical),
    }
    large = json = ("input_data", "output_data")
    whole_column = "input_data"
    is_model_call = True

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Also erases feedback, whose notes and labels may concern the patient, and idempotency keys with answers."""
        advisory_lock.hold(FEEDBACK_LOCK)
        super().on_erase(rows)
        erased = [row.pk for row in rows]
        Feedback.objects.filter(inference__in=erased).delete()
        IdempotencyKey.objects.filter(inference_id__in=erased).delete()


INFERENCES = InferenceSource()
