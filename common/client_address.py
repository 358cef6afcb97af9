"""The caller's IP address, also behind a reverse proxy."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from common.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

SUBSCRIBER_BITS = 64  # of an IPv6 address; one subscriber can use every address behind them


def client_address(request: "HttpRequest | Request") -> str:
    """The address of the peer; with TRUST_PROXY, the last one in X-Forwarded-For. Blank if there is none.

    The proxy appends the address of its own peer. A client can write all entries before that one, so none of them
    counts.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        address = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or address
    found = _parse(address)
    return str(found) if found else ""


def client_network(request: "HttpRequest | Request") -> str:
    """What limits count as one client: an IPv4 address, or the network of an IPv6 subscriber."""
    address = client_address(request)
    return str(ip_network(f"{address}/{SUBSCRIBER_BITS}", strict=False)) if ":" in address else address


def is_loopback(request: "HttpRequest | Request") -> bool:
    """Whether the peer is a process on this machine. False if the request came through any proxy."""
    peer = _parse(request.META.get("REMOTE_ADDR", ""))
    forwarded = settings.TRUST_PROXY or {"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA"} & request.META.keys()
    return peer is not None and peer.is_loopback and not forwarded


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address, without the port that some proxies add."""
    text = text[1:].partition("]")[0] if text.startswith("[") else text
    host = text.partition(":")[0] if text.count(":") == 1 else text
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
