"""The doctor's check of MLflow."""

from django.conf import settings

from common.doctor import NotSet, Wrong
from integrations.mlflow import client
from integrations.mlflow.exceptions import MlflowError, MlflowRefused


def mlflow() -> str:
    """Asks for experiments. Raises `Wrong` or `NotSet`."""
    if not settings.MLFLOW_TRACKING_URI:
        raise NotSet("MLFLOW_TRACKING_URI")
    try:
        client.get("experiments/search", max_results="1")
    except MlflowRefused as exc:
        mend = "Correct MLFLOW_TRACKING_URI, and MLFLOW_TRACKING_USERNAME with its password, or MLFLOW_TRACKING_TOKEN."
        raise Wrong(str(exc).rstrip("."), mend) from None
    except MlflowError as exc:
        raise Wrong(str(exc).rstrip("."), "Start MLflow, or correct MLFLOW_TRACKING_URI.") from None
    return "answers, takes the credentials"
