"""Declares the job kind `retrain`."""

from collections.abc import Sequence

from jobs.kinds import JobKind
from jobs.requests import JobRequest
from ml_proxy.permissions import EXPORT_DATASET
from ml_proxy.retrain.requests import read_retrain, wanted_verdicts
from ml_proxy.retrain.training import train

MODEL_SERVER = "model server"  # the concurrency key: it trains one model at a time


def _more_permissions(request: JobRequest) -> Sequence[str]:
    """Verdicts are handed over, so whoever asks for them must be allowed to export them."""
    return (EXPORT_DATASET,) if wanted_verdicts(request.value) is not None else ()


RETRAIN = JobKind(
    name="retrain",
    run=train,
    read=read_retrain,
    more_permissions=_more_permissions,
    concurrency_key=lambda _: MODEL_SERVER,
    begins_as="training",
    if_unknown="it is not known whether the model was trained: see its model-info.",
)
