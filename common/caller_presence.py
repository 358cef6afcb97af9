"""Whether a caller still waits for its answer, for work that is worth ending if nobody does.

The server in front of Django knows; it puts a function into the WSGI environment. Another server may know nothing: then
every caller counts as waiting.
"""

from collections.abc import Callable
from typing import Any

PRESENCE = "ml_proxy.presence"  # the environment's member: a function that begins to watch, and returns the check


def is_waiting(request: Any) -> Callable[[], bool]:
    """A function that says whether the caller of this request still waits."""
    begin = request.META.get(PRESENCE)
    found: Callable[[], bool] = begin() if begin else _always
    return found


def _always() -> bool:
    return True
