"""Where a request comes from."""

from ipaddress import ip_address
from typing import Any

from common.conf import settings


def client_address(meta: Any) -> str:
    """The IP address of the caller in a request's META; blank if unknown, such as on a Unix socket.

    With TRUST_PROXY it is the last address in X-Forwarded-For: the proxy appended it, and the caller wrote all others.
    """
    if settings.TRUST_PROXY:
        hop = str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        if found := _valid(hop):
            return found
    return _valid(str(meta.get("REMOTE_ADDR", "")))


def _valid(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
