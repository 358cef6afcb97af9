"""What verification yields: findings, and its progress."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True)
class Finding:
    """One fault and where it is; `kind` is `missing`, `changed`, `foreign` or `unreadable`."""

    kind: str
    origin: UUID | None
    first: int | None
    last: int | None
    detail: str

    @property
    def size(self) -> int:
        """How many numbers it is about."""
        return self.last - self.first + 1 if self.first is not None and self.last is not None else 0

    def __str__(self) -> str:
        if self.origin is None:
            return f"{self.kind}: {self.detail}"
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.kind}: number {numbers} of origin {self.origin}: {self.detail}"


class Step(NamedTuple):
    """Progress of a walk: how many numbers were checked since the last step, and the findings among them."""

    checked: int
    findings: tuple[Finding, ...] = ()
