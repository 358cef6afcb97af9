"""Declares the job kind `retrain`."""

from collections.abc import Sequence

from accounts.callers import ACCESS_ALL_DOCTORS
from common.strict_json import Value
from jobs.kinds import JobKind
from jobs.requests import JobRequest
from ml_proxy.permissions import EXPORT_DATASET, PROMOTE_MODEL
from ml_proxy.retrain.requests import read_retrain, wanted_verdicts, wants_promotion
from ml_proxy.retrain.training import train

MODEL_SERVER = "model server"  # the concurrency key: the model server trains one model at a time


def _extra_permissions(request: JobRequest) -> Sequence[str]:
    """If the model server gets verdicts, requires the export permission for all doctors' inferences.

    If the new version is to serve in any case, requires the permission to promote.
    """
    value = request.value
    verdicts = (EXPORT_DATASET, ACCESS_ALL_DOCTORS) if wanted_verdicts(value) is not None else ()
    return (*verdicts, *promotion_permissions(value))


def promotion_permissions(value: Value) -> Sequence[str]:
    """What a retrain needs that promotes in any case."""
    return (PROMOTE_MODEL,) if wants_promotion(value) else ()


RETRAIN = JobKind(
    name="retrain",
    run=train,
    read=read_retrain,
    extra_permissions=_extra_permissions,
    concurrency_key=lambda _: MODEL_SERVER,
    initial_message="training",
    unknown_outcome="it is not known whether the model was trained: see its model-info.",
)
