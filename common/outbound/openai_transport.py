"""Carries the requests of the `openai` client over the gateway's outbound transport.

So a call has one deadline for all of it, a cap on bytes, a strict parser, no proxy of the environment and no redirect.
The key is added here: the client never has it, so neither its errors nor its logs can quote it.
"""

import logging

import httpx2
from requests.exceptions import RequestException, Timeout

from common.outbound import sessions
from common.outbound.bodies import header_fields, read_body
from common.outbound.deadline import Switch, budget

CONNECT_SECONDS = 5.0
NO_KEY = "kept-by-the-transport"  # for the client, which refuses a blank one

_SENT = ("Content-Type", "Accept")  # no other field that the client or its environment adds

for _name in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below, they log URLs and request bodies


class OutboundTransport(httpx2.BaseTransport):
    """Sends requests with this key, which may be blank. An answer has at most `max_bytes` with its head.

    `switch` can cut an exchange from another thread.
    """

    def __init__(self, key: str, max_bytes: int, switch: Switch | None = None) -> None:
        self._fields = {"Authorization": f"Bearer {key}"} if key else {}
        self._max_bytes = max_bytes
        self._switch = switch

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer. The client's `timeout` covers the exchange. Raises httpx2's errors."""
        seconds = float(request.extensions["timeout"]["read"])
        limits = budget(seconds, connect=min(CONNECT_SECONDS, seconds), most_bytes=self._max_bytes, switch=self._switch)
        fields = {name: request.headers[name] for name in _SENT if name in request.headers} | self._fields
        session = sessions.model_providers()
        prepared = session.prepared(request.method, str(request.url), fields, request.read())
        try:
            response = session.send(prepared, stream=True, timeout=limits)
            body = read_body(response, self._max_bytes)
        except Timeout as exc:
            raise httpx2.ReadTimeout(type(exc).__name__, request=request) from None
        except RequestException as exc:
            raise httpx2.ReadError(type(exc).__name__, request=request) from None
        return _answer(response.status_code, header_fields(response), body, request)


def _answer(status: int, fields: list[tuple[str, str]], body: bytes, request: httpx2.Request) -> httpx2.Response:
    if any(name.lower() == "content-encoding" and value.lower() != "identity" for name, value in fields):
        raise httpx2.DecodingError("the answer has an encoding that was not asked for", request=request)
    return httpx2.Response(status, headers=fields, content=body, request=request)
