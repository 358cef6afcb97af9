"""The health probe of the model server."""

from django.conf import settings

from common.health import Down
from ml_proxy import upstream

PROBE_SECONDS = 2.0


def model() -> None:
    """Checks that the model server's status path answers 2xx. Raises `Down` or an `UpstreamError`."""
    seconds = min(PROBE_SECONDS, settings.UPSTREAM_TOTAL_SECONDS)
    answer = upstream.forward("GET", "status", fields={}, total_seconds=seconds)
    if not answer.is_success:
        raise Down(f"The model server answered {answer.status}.")
