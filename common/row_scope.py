"""The row scope of a caller: whose rows a caller may see, among the rows of all."""

from typing import Any, TypeAlias

Scope: TypeAlias = frozenset[str] | None  # canonical names of doctors; None is everything

EVERYTHING: Scope = None  # for commands, workers, and callers who may see all


def scope_of(request: Any) -> Scope:
    """The scope of the caller whom authentication has found; works for Django's and the framework's request.

    Raises `AttributeError` for a request that nobody authenticated, rather than showing it everything.
    """
    scope: Scope = request.caller.doctors
    return scope
