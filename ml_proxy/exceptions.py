"""Errors of the model server.

GatewayError
└─ UpstreamError              502   the model server gave no usable answer
   ├─ UpstreamUnreachable           refused, reset, no such host
   ├─ UpstreamBroken                truncated, or not HTTP
   ├─ UpstreamTooLarge              over the size limit
   ├─ UpstreamRedirected
   ├─ UpstreamNotJSON               the prediction can't be recorded
   └─ UpstreamTimeout         504
"""

from http import HTTPStatus

from common.exceptions import GatewayError


class UpstreamError(GatewayError):
    """The model server gave no answer, or one that can't be passed on."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "upstream"
    title = "The model server gave no usable answer"


class UpstreamUnreachable(UpstreamError):
    """Connection refused, reset, or no such host. A retry may help."""

    kind = "upstream-unreachable"


class UpstreamBroken(UpstreamError):
    """The answer is truncated or not HTTP."""

    kind = "upstream-broken"


class UpstreamTooLarge(UpstreamError):
    """The answer is larger than MAX_ANSWER_BYTES."""

    kind = "upstream-too-large"


class UpstreamRedirected(UpstreamError):
    """The answer is a redirect; the gateway does not follow redirects."""

    kind = "upstream-redirected"


class UpstreamNotJSON(UpstreamError):
    """A 2xx prediction is not JSON, so it can't be recorded."""

    kind = "upstream-not-json"


class UpstreamTimeout(UpstreamError):
    """The model server exceeded a deadline. A retry may help."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "upstream-timeout"
    title = "The model server took too long"
