"""Which paths belong to programs: their errors are problems, never pages. And the path that a wrong one stands for."""

import re
from collections.abc import Iterator

from django.urls import Resolver404, resolve

# The engines' paths too: `/ddp`, `/llm` and `/ai`.
API_PATHS = re.compile(r"/(?:ml|api|ddp|llm|ai|healthz|readyz|metrics)(?:/|$)")
# Probes and scrapers address a process by any name or address that reaches it, so these check no host.
ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})
MAX_SHOWN = 200  # characters of a path in an error


def is_api(path: str) -> bool:
    """Whether programs call this path, so that no answer to it may be a page of Django's own."""
    return API_PATHS.match(path) is not None


def meant(path: str, unknown: object) -> str:
    """The existing path that differs from `path` in slashes or case only; blank if there is none.

    `unknown` is the view of paths that do not exist.
    """
    for candidate in _candidates(path):
        try:
            if candidate != path and resolve(candidate).func is not unknown:
                return candidate
        except Resolver404:
            pass
    return ""


def _candidates(path: str) -> Iterator[str]:
    collapsed = re.sub("/{2,}", "/", path[:MAX_SHOWN])
    for spelling in (collapsed, collapsed.lower()):
        yield spelling
        yield spelling.removesuffix("/") if spelling.endswith("/") else f"{spelling}/"
