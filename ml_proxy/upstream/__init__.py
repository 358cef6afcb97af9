"""The boundary to the model server: the only place that speaks with it. See `forward` and `exchange`."""

from common.outbound.deadline import Switch
from ml_proxy.upstream.client import Answer, forward
from ml_proxy.upstream.streaming import Reply, exchange

__all__ = ["Answer", "Reply", "Switch", "exchange", "forward"]
