"""What is recorded of a promotion: which version, when, how, by whom and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

AUTOMATIC, REQUESTED, BY_PERSON, IMPORTED = "automatic", "requested", "by a person", "imported"


@dataclass(frozen=True)
class Promotion:
    """`how`: by the change plan, by the training's `promote: always`, by a person afterwards, or by an import.

    `by`: the person, as the gateway knows them; None if a program on this machine asked, or nobody did.
    """

    how: str
    reason: str = ""
    by: str | None = None

    def entry(self, version: str, previous: str | None) -> dict[str, Any]:
        """The line that is stored, with the time."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return {
            "version": version,
            "previous": previous,
            "at": at,
            "how": self.how,
            "by": self.by,
            "reason": self.reason,
        }


def count_automatic(promotions: Iterable[Mapping[str, Any]], days: int) -> int:
    """How many of `promotions` were automatic and within the last `days` days."""
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    return sum(each["how"] == AUTOMATIC and each["at"] > since for each in promotions)
