"""The client of the model server; all requests to it go through `forward` or `exchange`."""

from common.outbound.deadline import Switch
from ml_proxy.upstream.client import Answer, forward
from ml_proxy.upstream.streaming import Reply, exchange

__all__ = ["Answer", "Reply", "Switch", "exchange", "forward"]
