"""The boundary to the model server: the only place that knows `requests`. See `client.forward`."""

from ml_proxy.upstream.client import Answer, forward

__all__ = ["Answer", "forward"]
