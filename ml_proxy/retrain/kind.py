"""Declares the job kind `retrain`."""

from collections.abc import Sequence

from accounts.callers import ACCESS_ALL_DOCTORS
from jobs.kinds import JobKind
from jobs.requests import JobRequest
from ml_proxy.permissions import EXPORT_DATASET
from ml_proxy.retrain.requests import read_retrain, wanted_verdicts
from ml_proxy.retrain.training import train

MODEL_SERVER = "model server"  # the concurrency key: the model server trains one model at a time


def _extra_permissions(request: JobRequest) -> Sequence[str]:
    """If the model server gets verdicts, requires the export permission for all doctors' inferences."""
    return (EXPORT_DATASET, ACCESS_ALL_DOCTORS) if wanted_verdicts(request.value) is not None else ()


RETRAIN = JobKind(
    name="retrain",
    run=train,
    read=read_retrain,
    extra_permissions=_extra_permissions,
    concurrency_key=lambda _: MODEL_SERVER,
    initial_message="training",
    unknown_outcome="it is not known whether the model was trained: see its model-info.",
)
