"""A client of ML Proxy's API.

    from ml_proxy_client import MlProxy

    proxy = MlProxy("https://gateway.example", token="…")  # or ML_PROXY_URL and ML_PROXY_TOKEN
    answer = proxy.predict({"doctor_name": "Dr. Kim", "patient_name": "Hong Gildong", "features": {…}})
    for inference in proxy.history(doctor="Dr. Kim"):
        …

Errors are `ProblemError`, or `Unreachable` if there was no answer; both are `MlProxyError`.
"""

from ml_proxy_client.client import Answer, MlProxy, Prediction
from ml_proxy_client.errors import JobFailed, MlProxyError, ProblemError, Unreachable
from ml_proxy_client.jobs import RunningJob

__all__ = [
    "Answer",
    "JobFailed",
    "MlProxy",
    "MlProxyError",
    "Prediction",
    "ProblemError",
    "RunningJob",
    "Unreachable",
]
