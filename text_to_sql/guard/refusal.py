"""Why a statement is refused."""

from difflib import get_close_matches


class QueryRefused(Exception):
    """The statement may not run. `reason` is a stable word for logs; the text says why, and what to do instead."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def unknown(what: str, name: str, known: list[str]) -> QueryRefused:
    """The refusal of a name that is not in the catalogue, with the names that are most like it."""
    near = get_close_matches(name, known, n=3, cutoff=0.5) or known[:8]
    hint = f" Known are, for example: {', '.join(near)}." if near else ""
    return QueryRefused(f"unknown-{what}", f"There is no {what} {name[:100]!r} here, or it is hidden.{hint}")
