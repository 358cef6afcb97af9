"""One try to deliver one message. No redirect, no proxy, no netrc, no cookie; the whole of it held to one deadline."""

from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import budget
from common.outbound.exceptions import AddressNotAllowed, ResponseTooLarge
from common.outbound.network import Network
from jobs.webhooks.hosts import Destination, NotAllowed, destination, may_be_called

CONNECT_SECONDS = 5.0  # for the look-up of a name and all of its addresses
HEAD_BYTES = 64 * 1024  # that all of an answer may take
BODY_BYTES = 4 * 1024  # that are read of an answer's body: some receivers mind who hangs up early


class Undelivered(Exception):
    """The receiver did not take the message. The text holds nothing of the URL, the answer's body or a key.

    `retry_after` is how many seconds the receiver asks to wait; `is_final`: it wants no more of this.
    """

    def __init__(self, why: str, *, retry_after: float = 0.0, is_final: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.is_final = is_final


def send(url: str, fields: Mapping[str, str], body: bytes, network: Network) -> None:
    """Posts `body`; a 2xx is all that counts. Raises `Undelivered`."""
    try:
        answer = _post(destination(url), fields, body, network)
    except NotAllowed as exc:
        raise Undelivered(f"not sent: the URL {exc}") from exc
    except AddressNotAllowed as exc:
        raise Undelivered("not sent: the URL names a host whose address is private") from exc
    except ResponseTooLarge as exc:
        raise Undelivered("the head of the answer is too large") from exc
    except requests.RequestException as exc:
        raise Undelivered(f"no answer ({type(exc).__name__})") from exc
    if not 200 <= answer.status_code < 300:
        raise Undelivered(
            f"HTTP {answer.status_code}",
            retry_after=_seconds(answer.headers.get("Retry-After", "")),
            is_final=answer.status_code == requests.codes.gone,
        )


def _post(to: Destination, fields: Mapping[str, str], body: bytes, network: Network) -> requests.Response:
    session = sessions.callers_urls(may_be_called, network)
    granted = budget(settings.CALLBACK_TOTAL_SECONDS, connect=CONNECT_SECONDS, most_bytes=HEAD_BYTES)
    request = session.prepared("POST", to.url, {"Connection": "close", **fields}, body)
    answer = session.send(request, stream=True, timeout=granted)
    with closing(answer), suppress(requests.RequestException):  # its status has been said
        bodies.read_body(answer, BODY_BYTES)
    return answer


def _seconds(text: str) -> float:
    """A Retry-After field, in seconds from now; 0 for none, for one in the past, and for what is none."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
