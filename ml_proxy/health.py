"""Whether the model server answers."""

from django.conf import settings

from common.health import Down
from ml_proxy import upstream

PROBE_SECONDS = 2.0


def model() -> None:
    """Its status is a 2xx. Raises `Down` or an `UpstreamError`."""
    seconds = min(PROBE_SECONDS, settings.UPSTREAM_TOTAL_SECONDS)
    answer = upstream.forward("GET", "status", fields={}, total_seconds=seconds)
    if not answer.is_success:
        raise Down(f"The model server's status is {answer.status}.")
