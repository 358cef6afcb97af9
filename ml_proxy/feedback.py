"""Feedback: given, and listed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from common import advisory_lock, person_names, strict_json
from common.exceptions import FieldError
from ml_proxy import history
from ml_proxy.feedback_requests import FeedbackRequest, refused
from ml_proxy.models import FEEDBACK_LOCK, MAX_LABEL, Feedback, InferenceLog


@dataclass(frozen=True)
class Page:
    """Verdicts, and the last one's id where there are more."""

    feedback: list[Feedback]
    next: int | None


def give(inference_id: UUID, said: FeedbackRequest, caller: str) -> tuple[Feedback, bool]:
    """The verdict, and whether it is new: what only repeats the newest one is that one.

    Raises `NoSuchRecord`, and `BadInput` where the label does not go with the verdict.
    """
    row = _judged(inference_id)
    label = _label(said, top_label(row.output_data))
    words: dict[str, Any] = {"verdict": said.verdict, "label": label, "note": said.note, "caller": caller}
    with transaction.atomic():
        advisory_lock.hold(FEEDBACK_LOCK)  # so ids are committed in their order: no reader finds a lower one later
        history.require(inference_id)  # it may have been erased just now
        newest = Feedback.objects.filter(inference_id=inference_id).order_by("-id").first()
        if newest and all(getattr(newest, name) == word for name, word in words.items()):
            return newest, False
        about = {name: getattr(row, name) for name in ("model_name", "model_version", "predicted_at")}
        return Feedback.objects.create(inference_id=inference_id, **about, **words), True


def _judged(inference_id: UUID) -> InferenceLog:
    """What feedback needs of an inference. Raises `NoSuchRecord`."""
    columns = ("output_data", "model_name", "model_version", "predicted_at")
    row = InferenceLog.objects.filter(pk=inference_id).only(*columns).first()
    if row is None:
        raise history.unknown()
    return row


def page(inference_id: UUID, *, limit: int = 100, after: int | None = None) -> Page:
    """The verdicts of one inference, newest first, from behind the one `after` on. Raises `NoSuchRecord`."""
    verdicts = Feedback.objects.filter(inference_id=inference_id).order_by("-id")
    if after is not None:
        verdicts = verdicts.filter(id__lt=after)
    found = list(verdicts[: limit + 1])
    if not found:
        history.require(inference_id)
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def top_label(output: str) -> str | None:
    """The label that the model was surest of, in the form of a verdict's; None where the answer has none such."""
    predictions = strict_json.member(strict_json.parse(output), "predictions")
    label = strict_json.member(predictions[0], "label") if isinstance(predictions, list) and predictions else None
    try:
        return person_names.canonical(label, MAX_LABEL)
    except person_names.BadName:
        return None


def described(feedback: Feedback) -> dict[str, Any]:
    """The verdict for `as_json`."""
    return {
        "id": feedback.pk,
        "inference_id": feedback.inference_id,
        "verdict": feedback.verdict,
        "label": feedback.label,
        "note": feedback.note,
        "caller": feedback.caller,
        "created_at": feedback.created_at,
    }


def _label(said: FeedbackRequest, answered: str | None) -> str | None:
    """What the inference is held to be. Raises `BadInput` where that is not what the verdict says."""
    if said.verdict is Feedback.Verdict.CORRECT:
        if said.label == answered:
            raise refused(FieldError("/label", "is what the model said: the verdict is to agree"))
        return said.label
    if said.label not in {None, answered}:
        raise refused(
            FieldError("/label", "is not what the model said: leave it out, or let the verdict be to correct")
        )
    return answered
