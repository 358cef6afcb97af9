"""Measurements, and the questions that are asked of them: by round, so that ratios compare what ran side by side."""

import json
import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cell:
    """What is measured: `load` is connections or requests a second, `upstream_ms` what the model server takes."""

    section: str
    load: int = 0
    upstream_ms: int = 0


@dataclass(frozen=True)
class Measurement:
    """What one variant showed in one round. `failed` counts requests by status, or by why there is none."""

    cell: Cell
    variant: str
    round: int
    figures: Mapping[str, float]
    failed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """None where there are no values."""
        return cls(statistics.median(values), min(values), max(values)) if values else None


@dataclass
class Results:
    """Everything that a run found."""

    machine: Mapping[str, Any]
    plan: Mapping[str, Any]
    measurements: list[Measurement] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # variants, and why
    notes: list[str] = field(default_factory=list)

    def by_round(self, cell: Cell, variant: str, figure: str) -> dict[int, float]:
        """A figure in each round that has it."""
        return {
            item.round: item.figures[figure]
            for item in self.measurements
            if item.cell == cell and item.variant == variant and figure in item.figures
        }

    def spread(self, cell: Cell, variant: str, figure: str) -> Spread | None:
        """A figure over all rounds."""
        return Spread.of(list(self.by_round(cell, variant, figure).values()))

    def ratio(self, cell: Cell, variant: str, other: str, figure: str) -> Spread | None:
        """A variant's figure over another's of the same round."""
        return self._compared(cell, variant, other, figure, _over)

    def added(self, cell: Cell, variant: str, reference: str, figure: str) -> Spread | None:
        """By how much a variant's figure is above the reference's of the same round."""
        return self._compared(cell, variant, reference, figure, operator.sub)

    def variants(self, section: str) -> list[str]:
        """Those that were measured in a section, in the order in which they first were."""
        return list(dict.fromkeys(item.variant for item in self.measurements if item.cell.section == section))

    def cells(self, section: str) -> list[Cell]:
        """What was measured in a section, in order of delay and load."""
        found = {item.cell for item in self.measurements if item.cell.section == section}
        return sorted(found, key=lambda cell: (cell.upstream_ms, cell.load))

    def failures(self, variant: str) -> dict[str, int]:
        """Requests that got no 2xx, over all sections."""
        total: dict[str, int] = {}
        for item in self.measurements:
            for why, count in item.failed.items() if item.variant == variant else ():
                total[why] = total.get(why, 0) + count
        return total

    def save(self, path: Path) -> None:
        """Writes all of it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def _compared(
        self, cell: Cell, variant: str, other: str, figure: str, compare: Callable[[float, float], float]
    ) -> Spread | None:
        mine, theirs = (self.by_round(cell, name, figure) for name in (variant, other))
        return Spread.of([compare(value, theirs[number]) for number, value in mine.items() if number in theirs])


def percentile(ordered: Sequence[float], rank: float) -> float:
    """The least of sorted values that a share of `rank` (0 to 1) does not exceed; 0 of none."""
    return ordered[max(0, math.ceil(rank * len(ordered)) - 1)] if ordered else 0.0


def _over(value: float, other: float) -> float:
    return value / other if other else math.inf
