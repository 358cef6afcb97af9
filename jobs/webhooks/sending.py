"""One try to deliver one message. No redirect, no proxy, no netrc, no cookie; the whole of it held to one deadline.

The standard library's HTTP is enough for that, and it leaves the socket to us: see `network`.
"""

import http.client
import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from django.conf import settings

from jobs.webhooks.hosts import Destination, NotAllowed, destination
from jobs.webhooks.network import Network, open_socket
from ml_proxy.exceptions import UpstreamTooLarge
from ml_proxy.upstream import deadline

HEAD_BYTES = 64 * 1024  # that all of an answer may take
BODY_BYTES = 4 * 1024  # that are read of an answer's body: some receivers mind who hangs up early

_NO_ANSWER = (OSError, http.client.HTTPException)


class Undelivered(Exception):
    """The receiver did not take the message. The text holds nothing of the URL, the answer's body or a key.

    `retry_after` is how many seconds the receiver asks to wait; `is_final`: it wants no more of this.
    """

    def __init__(self, why: str, *, retry_after: float = 0.0, is_final: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.is_final = is_final


class _Connection(http.client.HTTPConnection):
    """HTTP over whatever socket it is given."""

    def __init__(self, open_one: Callable[[], socket.socket]) -> None:
        super().__init__("unused")
        self._open_one = open_one

    def connect(self) -> None:
        self.sock = self._open_one()


def send(url: str, fields: Mapping[str, str], body: bytes, network: Network) -> None:
    """Posts `body`; a 2xx is all that counts. Raises `Undelivered`."""
    try:
        answer = _post(destination(url), fields, body, network)
    except NotAllowed as exc:
        raise Undelivered(f"not sent: the URL {exc}") from exc
    except UpstreamTooLarge as exc:  # the budget's word for more than HEAD_BYTES
        raise Undelivered("the head of the answer is too large") from exc
    except _NO_ANSWER as exc:
        raise Undelivered(f"no answer ({type(exc).__name__})") from exc
    if not 200 <= answer.status < 300:
        raise Undelivered(
            f"HTTP {answer.status}",
            retry_after=_seconds(answer.getheader("Retry-After", "")),
            is_final=answer.status == http.client.GONE,
        )


def _post(to: Destination, fields: Mapping[str, str], body: bytes, network: Network) -> http.client.HTTPResponse:
    total = settings.CALLBACK_TOTAL_SECONDS
    with deadline.budget(total, total, HEAD_BYTES) as granted:
        connection = _Connection(lambda: open_socket(to, network, granted))
        with closing(connection):
            own = {"Host": to.authority, "User-Agent": "ml-proxy", "Connection": "close"}
            connection.request("POST", to.target, body, {**own, **fields})
            with closing(connection.getresponse()) as answer:
                with suppress(*_NO_ANSWER, UpstreamTooLarge):  # its status has been said
                    answer.read(BODY_BYTES)
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
