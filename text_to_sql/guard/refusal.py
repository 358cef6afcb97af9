"""Why a statement is refused."""

from collections.abc import Sequence
from difflib import get_close_matches

UNKNOWN_NAMES = frozenset({"unknown-table", "unknown-column"})  # reasons; no visible table has such a name


class QueryRefused(Exception):
    """The statement may not run. `reason` is a stable word for logs; the text says why, and what to do instead."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def not_joined(name: str, sources: Sequence[str]) -> QueryRefused:
    """The refusal of a table's name before a column, if FROM does not have it under this name."""
    found = f"it has {', '.join(sources[:8])}" if sources else "there is none"
    return QueryRefused("not-joined", f"The table {name[:100]!r} is not in FROM, or has an alias there: {found}.")


def unknown(what: str, name: str, known: list[str], owners: Sequence[str] = ()) -> QueryRefused:
    """The refusal of a name that is not in the catalogue, with the names that are most like it.

    `owners` are tables that have a column of this name: a model then knows what to join.
    """
    if owners:
        text = f"There is no {what} {name[:100]!r} here. A column of this name is in {', '.join(owners[:5])}."
        return QueryRefused("not-joined", text)
    near = get_close_matches(name, known, n=3, cutoff=0.5) or known[:8]
    hint = f" Known are, for example: {', '.join(near)}." if near else ""
    return QueryRefused(f"unknown-{what}", f"There is no {what} {name[:100]!r} here, or it is hidden.{hint}")
