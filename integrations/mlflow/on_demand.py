"""Answers who asks for a run of MLflow: to have one inference logged, or to see what was logged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from common.exceptions import NoSuchRecord
from integrations.mlflow import follower, outbox, runs
from integrations.mlflow.entries import key_of_inference
from integrations.mlflow.exceptions import MlflowError, MlflowOff
from recording import sources
from recording.sources import RecordSource


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
    """Raises `MlflowOff` where there is no MLflow."""
    if not settings.MLFLOW_TRACKING_URI:
        raise MlflowOff("Set MLFLOW_TRACKING_URI to have inferences and retrains logged to MLflow.")


def log_prediction(inference_id: UUID) -> Logged:
    """Has an inference logged as a run of its own; again, gives the same run. What can't be done now is done later.

    Raises `NoSuchRecord`.
    """
    source = _source_of(inference_id)
    try:
        run_id = _complete(inference_id)
        if run_id is None and (batch := outbox.note_asked(source, inference_id)) and follower.send_asked(batch):
            run_id = _complete(inference_id)
    except MlflowError:
        outbox.note_asked(source, inference_id)
        run_id = None
    return Logged(inference_id, run_id)


def read_permission() -> str:
    """Whoever may read the inferences that are followed may ask for their runs."""
    return next(source.read_permission for source in _followed())


def _followed() -> Iterator[RecordSource]:
    return (source for source in sources.registered() if source.is_model_call)


def _source_of(inference_id: UUID) -> RecordSource:
    for source in _followed():
        if source.rows.filter(pk=inference_id).exists():
            return source
    raise NoSuchRecord("No inference has this id. A new one appears once its record is written.")


def run(run_id: str) -> dict[str, Any]:
    """A run that was logged from here. Raises `NoSuchRecord` or `MlflowError`."""
    found = runs.described(run_id)
    if found is None:
        raise NoSuchRecord("This gateway has logged no run with this id.")
    return found


def _complete(inference_id: UUID) -> str | None:
    """The id of its run, once all of it is there. Raises `MlflowError`."""
    found = runs.find(key_of_inference(inference_id))
    return found.id if found and found.is_complete else None
