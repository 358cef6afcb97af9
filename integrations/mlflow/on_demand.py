"""Serves requests for single MLflow runs: log one inference, or show a logged run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from common.exceptions import NoSuchRecord
from common.row_scope import Scope
from integrations.mlflow import follower, outbox, runs
from integrations.mlflow.entries import key_of_inference
from integrations.mlflow.exceptions import MlflowDisabled, MlflowError
from recording import sources
from recording.sources import RecordSource


@dataclass(frozen=True)
class Logged:
    """The result of a request to log an inference; `run_id` is None while it is queued."""

    inference_id: UUID
    run_id: str | None

    @property
    def state(self) -> str:
        """`logged` or `queued`."""
        return "logged" if self.run_id else "queued"


def require_enabled() -> None:
    """Raises `MlflowDisabled` if MLflow is not configured."""
    if not settings.MLFLOW_TRACKING_URI:
        raise MlflowDisabled("Set MLFLOW_TRACKING_URI to have inferences and retrains logged to MLflow.")


def log_prediction(inference_id: UUID, scope: Scope) -> Logged:
    """Logs an inference as a run of its own, or queues it if that fails now. Idempotent: a repeat returns the same run.

    Raises `NoSuchRecord`.
    """
    source = _source_of(inference_id, scope)
    try:
        run_id = _complete_run_id(inference_id)
        if run_id is None and (batch := outbox.add_request(source, inference_id)) and follower.send_now(batch):
            run_id = _complete_run_id(inference_id)
    except MlflowError:
        outbox.add_request(source, inference_id)
        run_id = None
    return Logged(inference_id, run_id)


def read_permission() -> str:
    """The permission for these requests: that of reading the inferences."""
    return next(source.read_permission for source in _model_call_sources())


def _model_call_sources() -> Iterator[RecordSource]:
    return (source for source in sources.registered() if source.is_model_call)


def _source_of(inference_id: UUID, scope: Scope) -> RecordSource:
    for source in _model_call_sources():
        if source.rows_in(scope).filter(pk=inference_id).exists():
            return source
    raise NoSuchRecord("No inference has this id. A new one appears once its record is written.")


def run(run_id: str, scope: Scope) -> dict[str, Any]:
    """A run that this gateway logged. Raises `NoSuchRecord` or `MlflowError`.

    With a row scope, only the runs of single inferences are visible: all others are made from many doctors' rows.
    """
    logged = runs.described(run_id)
    if logged is None or not (scope is None or _is_within(logged, scope)):
        raise NoSuchRecord("This gateway has logged no run with this id.")
    return logged


def _is_within(logged: Mapping[str, Any], scope: Scope) -> bool:
    """Whether it is the run of one inference in the scope. The key is ours; tags can be changed in MLflow."""
    try:
        inference_id = UUID(logged["tags"].get("inference_id", ""))
        _source_of(inference_id, scope)
    except (ValueError, NoSuchRecord):
        return False
    return bool(logged["tags"][runs.KEY] == key_of_inference(inference_id))


def _complete_run_id(inference_id: UUID) -> str | None:
    """The id of the inference's run, if it is complete. Raises `MlflowError`."""
    logged = runs.find(key_of_inference(inference_id))
    return logged.id if logged and logged.is_complete else None
