"""What can go wrong with MLflow.

GatewayError
├─ MlflowOff            404   there is no MLflow here
└─ MlflowError          502   MLflow gave no usable answer
   ├─ MlflowRefused           it refuses this very request
   └─ MlflowTimeout     504
"""

from http import HTTPStatus

from common.exceptions import GatewayError


class MlflowOff(GatewayError):
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
    """MLflow will not have this very thing; `code` is its own word for why."""

    kind = "mlflow-refused"

    def __init__(self, code: str) -> None:
        super().__init__(f"MLflow refuses it ({code}).")
        self.code = code


class MlflowTimeout(MlflowError):
    """MLflow exceeded MLFLOW_TOTAL_SECONDS. Trying again may help."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "mlflow-timeout"
    title = "MLflow took too long"
