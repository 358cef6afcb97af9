"""One attempt to deliver one message, without redirects, proxies, netrc or cookies, under one total deadline."""

from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import budget
from common.outbound.destinations import Destination, NotAllowed
from common.outbound.exceptions import AddressNotAllowed, ResponseTooLarge
from common.outbound.network import Network
from jobs.webhooks.hosts import destination, may_be_called

CONNECT_SECONDS = 5.0  # to resolve a name and try all of its addresses
MAX_RESPONSE_BYTES = 64 * 1024
BODY_BYTES = 4 * 1024  # read from the response's body: some receivers fail if the client disconnects early


class DeliveryFailed(Exception):
    """The message was not delivered. The text contains nothing from the URL, the response's body or a key.

    `retry_after` is the receiver's Retry-After in seconds; `is_final` means that it wants no further attempts.
    """

    def __init__(self, reason: str, *, retry_after: float = 0.0, is_final: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.is_final = is_final


def send(url: str, fields: Mapping[str, str], body: bytes, network: Network) -> None:
    """Posts `body`. Raises `DeliveryFailed` unless the response is a 2xx."""
    try:
        response = _post(destination(url), fields, body, network)
    except NotAllowed as exc:
        raise DeliveryFailed(f"not sent: the URL {exc}") from exc
    except AddressNotAllowed as exc:
        raise DeliveryFailed("not sent: the URL's host has a private address") from exc
    except ResponseTooLarge as exc:
        raise DeliveryFailed("the response's head is too large") from exc
    except requests.RequestException as exc:
        raise DeliveryFailed(f"no response ({type(exc).__name__})") from exc
    if not 200 <= response.status_code < 300:
        raise DeliveryFailed(
            f"HTTP {response.status_code}",
            retry_after=_retry_after(response.headers.get("Retry-After", "")),
            is_final=response.status_code == requests.codes.gone,
        )


def _post(target: Destination, fields: Mapping[str, str], body: bytes, network: Network) -> requests.Response:
    session = sessions.callers_urls(may_be_called, network)
    limits = budget(settings.CALLBACK_TOTAL_SECONDS, connect=CONNECT_SECONDS, most_bytes=MAX_RESPONSE_BYTES)
    request = session.prepared("POST", target.url, {"Connection": "close", **fields}, body)
    response = session.send(request, stream=True, timeout=limits)
    with closing(response), suppress(requests.RequestException):  # the status has already arrived
        bodies.read_body(response, BODY_BYTES)
    return response


def _retry_after(text: str) -> float:
    """Parses a Retry-After value as seconds from now; 0 if it is empty, invalid or in the past."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
