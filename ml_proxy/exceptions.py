"""What can go wrong with the model server.

GatewayError
└─ UpstreamError              502   the model server gave no usable answer
   ├─ UpstreamUnreachable           refused, reset, no such host
   ├─ UpstreamBroken                truncated or garbled
   ├─ UpstreamTooLarge              over the cap
   ├─ UpstreamRedirected
   ├─ UpstreamNotJSON               a prediction that can't be recorded
   └─ UpstreamTimeout         504
"""

from http import HTTPStatus

from common.exceptions import GatewayError


class UpstreamError(GatewayError):
    """The model server's answer can't be had or can't be passed on."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "upstream"
    title = "The model server gave no usable answer"


class UpstreamUnreachable(UpstreamError):
    """Refused, reset, or no such host. Trying again may help."""

    kind = "upstream-unreachable"


class UpstreamBroken(UpstreamError):
    """Truncated, or not HTTP."""

    kind = "upstream-broken"


class UpstreamTooLarge(UpstreamError):
    """Over MAX_ANSWER_BYTES."""

    kind = "upstream-too-large"


class UpstreamRedirected(UpstreamError):
    """A redirect: the door follows none."""

    kind = "upstream-redirected"


class UpstreamNotJSON(UpstreamError):
    """A 2xx prediction that is not JSON, so that it can't be recorded."""

    kind = "upstream-not-json"


class UpstreamTimeout(UpstreamError):
    """The model exceeded a deadline. Trying again may help."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "upstream-timeout"
    title = "The model server took too long"
