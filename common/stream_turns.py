"""Limits the responses of a kind that are streamed at the same time: for each caller, and for all in this process."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from django.http import HttpRequest
from rest_framework.request import Request

from common.conf import settings
from common.exceptions import Busy, GatewayError, TooManyExports, TooManyListeners


@dataclass
class Places:
    """How many may run: `total` in this process, and for one caller as many as a setting says."""

    name: str
    total: int
    setting: str
    refusal: type[GatewayError]
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: Counter[str] = field(default_factory=Counter)


MAX_EXPORTS = 16  # each holds a page or two in memory
MAX_LISTENERS = 128  # each holds a thread, and a connection with its caller
EXPORTS = Places("exports", MAX_EXPORTS, "EXPORTS_PER_CALLER", TooManyExports)
LISTENERS = Places("listeners", MAX_LISTENERS, "LISTENERS_PER_CALLER", TooManyListeners)


class Turn:
    """One response of a caller, from now on until `end`. Raises `Busy` or the refusal of its places."""

    def __init__(self, request: HttpRequest | Request, places: Places = EXPORTS) -> None:
        self._caller, self._places = _caller(request), places
        most = getattr(settings, places.setting)
        with places.lock:
            if places.running[self._caller] >= most:
                raise places.refusal(
                    f"At most {most} {places.name} of one caller run at once ({places.setting}). "
                    "Read them to their end, or close their connections."
                )
            if places.running.total() >= places.total:
                raise Busy(f"Too many {places.name} run at once. Nothing was done; try again later.")
            places.running[self._caller] += 1

    def end(self) -> None:
        """Ends it. Call it once."""
        running = self._places.running
        with self._places.lock:
            running[self._caller] -= 1
            if not running[self._caller]:
                del running[self._caller]


def _caller(request: HttpRequest | Request) -> str:
    """The signed-in user, or else the address."""
    name = request.user.get_username() if settings.API_AUTH == "required" else ""
    return f"user {name}" if name else f"address {request.META.get('REMOTE_ADDR', '')}"
