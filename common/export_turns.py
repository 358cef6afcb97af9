"""Limits the exports that run at the same time in this process: for each caller, and for all together."""

import threading
from collections import Counter

from django.http import HttpRequest
from rest_framework.request import Request

from common.conf import settings
from common.exceptions import Busy, TooManyExports

MAX_EXPORTS = 16  # each holds a page or two in memory

_lock = threading.Lock()
_running: Counter[str] = Counter()


class Turn:
    """One export of a caller, from now on until `end`. Raises `TooManyExports` or `Busy`."""

    def __init__(self, request: HttpRequest | Request) -> None:
        self._caller = _caller(request)
        with _lock:
            if _running[self._caller] >= settings.EXPORTS_PER_CALLER:
                raise TooManyExports(
                    f"At most {settings.EXPORTS_PER_CALLER} exports of one caller run at once (EXPORTS_PER_CALLER). "
                    "Read them to their end, or close their connections."
                )
            if _running.total() >= MAX_EXPORTS:
                raise Busy("Too many exports run at once. Nothing was done; try again later.")
            _running[self._caller] += 1

    def end(self) -> None:
        """Ends it. Call it once."""
        with _lock:
            _running[self._caller] -= 1
            if not _running[self._caller]:
                del _running[self._caller]


def _caller(request: HttpRequest | Request) -> str:
    """The signed-in user, or else the address."""
    name = request.user.get_username() if settings.API_AUTH == "required" else ""
    return f"user {name}" if name else f"address {request.META.get('REMOTE_ADDR', '')}"
