"""Errors of the MLflow integration.

GatewayError
├─ MlflowDisabled       404   MLflow is not configured
└─ MlflowError          502   MLflow gave no usable answer
   ├─ MlflowRefused           MLflow rejects this request
   └─ MlflowTimeout     504
"""

from http import HTTPStatus

from common.exceptions import GatewayError


class MlflowDisabled(GatewayError):
    """MLFLOW_TRACKING_URI is not set."""

    status = HTTPStatus.NOT_FOUND
    kind = "mlflow-off"
    title = "This gateway has no MLflow"


class MlflowError(GatewayError):
    """MLflow can't be reached, or gave no usable answer. Trying again may help."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "mlflow"
    title = "MLflow gave no usable answer"


class MlflowRefused(MlflowError):
    """MLflow rejects this particular request; `code` is its error code."""

    kind = "mlflow-refused"

    def __init__(self, code: str) -> None:
        super().__init__(f"MLflow refuses it ({code}).")
        self.code = code


class MlflowTimeout(MlflowError):
    """MLflow exceeded MLFLOW_TOTAL_SECONDS. Trying again may help."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "mlflow-timeout"
    title = "MLflow took too long"
