"""Answers who asks for a run of MLflow: to have one inference logged, or to see what was logged."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from ml_proxy.exceptions import NoSuchRecord, TrackingError, TrackingOff
from ml_proxy.models import InferenceLog
from ml_proxy.tracking import runs
from ml_proxy.tracking.entries import key_of_inference
from ml_proxy.use_cases.tracking import following, waiting


@dataclass(frozen=True)
class Logged:
    """What became of the wish; `run_id` is empty while it is queued."""

    inference_id: UUID
    run_id: str | None

    @property
    def state(self) -> str:
        """In a word."""
        return "logged" if self.run_id else "queued"


def require_on() -> None:
    """Raises `TrackingOff` where there is no MLflow."""
    if not settings.MLFLOW_TRACKING_URI:
        raise TrackingOff("Set MLFLOW_TRACKING_URI to have inferences and retrains logged to MLflow.")


def log_prediction(inference_id: UUID) -> Logged:
    """Has an inference logged as a run of its own; again, gives the same run. What can't be done now is done later.

    Raises `NoSuchRecord`.
    """
    if not InferenceLog.objects.filter(pk=inference_id).exists():
        raise NoSuchRecord("No inference has this id. A new one appears once its record is written.")
    try:
        run_id = _complete(inference_id)
        if run_id is None and (batch := waiting.note_asked(inference_id)) and following.send_asked(batch):
            run_id = _complete(inference_id)
    except TrackingError:
        waiting.note_asked(inference_id)
        run_id = None
    return Logged(inference_id, run_id)


def run(run_id: str) -> dict[str, Any]:
    """A run that was logged from here. Raises `NoSuchRecord` or `TrackingError`."""
    found = runs.described(run_id)
    if found is None:
        raise NoSuchRecord("This gateway has logged no run with this id.")
    return found


def _complete(inference_id: UUID) -> str | None:
    """The id of its run, once all of it is there. Raises `TrackingError`."""
    found = runs.find(key_of_inference(inference_id))
    return found.id if found and found.is_complete else None
