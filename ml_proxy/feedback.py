"""Stores and lists feedback."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from accounts.callers import Caller
from common import advisory_lock
from common.exceptions import FieldError, Unavailable
from common.ids import uuid7
from common.row_scope import Scope
from ml_proxy import history
from ml_proxy.answers import predictions
from ml_proxy.feedback_requests import FeedbackRequest, invalid_feedback
from ml_proxy.model_classes import MODEL_CLASSES
from ml_proxy.models import FEEDBACK_LOCK, Feedback, InferenceLog
from ml_proxy.records import FeedbackRecord
from recording import recorder
from recording.records import microseconds

MAX_LISTED = 100  # classes in an error
_OWN_LABEL = gettext_noop('is the model\'s own label: use the verdict "agree"')


@dataclass(frozen=True)
class Page:
    """One page of verdicts; `next` is the last verdict's position if there are more, else None."""

    feedback: list[Feedback]
    next: int | None


def submit(inference_id: UUID, request: FeedbackRequest, caller: Caller) -> tuple[Feedback, bool]:
    """Stores a verdict. Returns it and whether it is new; an exact repeat of the newest verdict returns that one.

    Raises `NoSuchRecord`, or `BadInput` if the label does not match the verdict or is no class of the model, or
    `Unavailable` if the model server must be asked for its classes and is away.
    """
    row = _load(inference_id, caller.doctors)
    label = _label(request, top_label(row.output_data)) or ""
    if request.verdict is Feedback.Verdict.CORRECT:
        _require_class(label, row)
    values: dict[str, Any] = {"verdict": request.verdict.value, "label": label, "note": request.note}
    values["caller"] = caller.name
    copied = {name: getattr(row, name) for name in ("model_name", "model_version", "predicted_at")}
    with transaction.atomic():
        advisory_lock.hold(FEEDBACK_LOCK)  # positions must be committed in order: readers page by them
        history.require(inference_id, caller.doctors)  # it may have just been erased
        newest = Feedback.objects.filter(inference_id=inference_id).order_by("-position").first()
        if newest and all(getattr(newest, name) == value for name, value in values.items()):
            return newest, False
        now = datetime.now(UTC)
        position = max(microseconds(now), Feedback.last_position() + 1)
        record = FeedbackRecord(
            id=uuid7(now), recorded_at=now, position=position, inference_id=inference_id, **copied, **values
        )
        recorder.record_as_row(record)
        return Feedback.objects.get(pk=record.id), True


def _load(inference_id: UUID, scope: Scope) -> InferenceLog:
    """Loads the columns of an inference that feedback needs. Raises `NoSuchRecord`."""
    columns = ("output_data", "model_name", "model_version", "predicted_at")
    row: InferenceLog | None = history.rows_in(scope).filter(pk=inference_id).only(*columns).first()
    if row is None:
        raise history.unknown()
    return row


def page(inference_id: UUID, scope: Scope, *, limit: int = 100, after: int | None = None) -> Page:
    """Returns the verdicts of one inference, newest first, before the position `after`. Raises `NoSuchRecord`."""
    verdicts = Feedback.objects.filter(inference_id=inference_id).order_by("-position")
    if after is not None:
        verdicts = verdicts.filter(position__lt=after)
    found = list(verdicts[: limit + 1])
    if not found or scope is not None:
        history.require(inference_id, scope)
    return Page(found[:limit], found[limit - 1].position if len(found) > limit else None)


def top_label(output: str) -> str | None:
    """Returns the model's most confident label in the canonical form of verdict labels, or None if there is none."""
    found = predictions(output)
    return found[0].label if found else None


def answered_labels(output: str) -> set[str]:
    """Returns all labels in a model's answer, in the canonical form of verdict labels."""
    return {each.label for each in predictions(output)}


def described(feedback: Feedback) -> dict[str, Any]:
    """Returns the verdict's JSON members, for `as_json`."""
    return {
        "id": feedback.position,
        "inference_id": feedback.inference_id,
        "verdict": feedback.verdict,
        "label": feedback.label or None,
        "note": feedback.note,
        "caller": feedback.caller,
        "created_at": feedback.created_at,
    }


def _label(request: FeedbackRequest, model_label: str | None) -> str | None:
    """Returns the label according to the doctor. Raises `BadInput` if it contradicts the verdict."""
    if request.verdict is Feedback.Verdict.CORRECT:
        if request.label == model_label:
            raise invalid_feedback(FieldError("/label", gettext(_OWN_LABEL)))
        return request.label
    if request.label not in {None, model_label}:
        raise invalid_feedback(
            FieldError("/label", 'is not the model\'s label: leave it out, or use the verdict "correct"')
        )
    return model_label


def _require_class(label: str, row: InferenceLog) -> None:
    """Raises `BadInput` if the model has no such class. A model that does not tell its classes accepts any label.

    Raises `Unavailable` if the model server is away, unless the model's own answer names the label.
    """
    try:
        classes = MODEL_CLASSES.of(row.model_name, row.model_version)
    except Unavailable:
        if label in answered_labels(row.output_data):
            return
        raise
    if classes is None or label in classes:
        return
    rest = len(classes) - MAX_LISTED
    more = gettext(", or one of %(rest)d more (see model-info)") % {"rest": rest} if rest > 0 else ""
    text = gettext("is no class of the model: use %(classes)s")
    raise invalid_feedback(FieldError("/label", text % {"classes": ", ".join(classes[:MAX_LISTED]) + more}))
