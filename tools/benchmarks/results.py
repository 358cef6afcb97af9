"""Measurements and their evaluation. Ratios and differences are computed within a round, between interleaved runs."""

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
    """A cell of a table: `load` is connections or requests/s, `upstream_ms` the model server's delay."""

    section: str
    load: int = 0
    upstream_ms: int = 0


@dataclass(frozen=True)
class Measurement:
    """The figures of one variant in one round. `failed` counts requests by status, or by the reason for no status."""

    cell: Cell
    variant: str
    round: int
    figures: Mapping[str, float]
    failed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of several rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Returns None if there are no values."""
        return cls(statistics.median(values), min(values), max(values)) if values else None


@dataclass
class Results:
    """All results of a run."""

    machine: Mapping[str, Any]
    plan: Mapping[str, Any]
    measurements: list[Measurement] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # reason by variant
    notes: list[str] = field(default_factory=list)

    def by_round(self, cell: Cell, variant: str, figure: str) -> dict[int, float]:
        """Returns a figure by round, for the rounds that have it."""
        return {
            item.round: item.figures[figure]
            for item in self.measurements
            if item.cell == cell and item.variant == variant and figure in item.figures
        }

    def spread(self, cell: Cell, variant: str, figure: str) -> Spread | None:
        """Returns the spread of a figure over all rounds."""
        return Spread.of(list(self.by_round(cell, variant, figure).values()))

    def ratio(self, cell: Cell, variant: str, other: str, figure: str) -> Spread | None:
        """Returns the ratio of a variant's figure to another's of the same round."""
        return self._compared(cell, variant, other, figure, _over)

    def added(self, cell: Cell, variant: str, reference: str, figure: str) -> Spread | None:
        """Returns the difference of a variant's figure and the reference's of the same round."""
        return self._compared(cell, variant, reference, figure, operator.sub)

    def variants(self, section: str) -> list[str]:
        """Returns the variants of a section, in the order of their first measurement."""
        return list(dict.fromkeys(item.variant for item in self.measurements if item.cell.section == section))

    def cells(self, section: str) -> list[Cell]:
        """Returns the cells of a section, sorted by delay and load."""
        found = {item.cell for item in self.measurements if item.cell.section == section}
        return sorted(found, key=lambda cell: (cell.upstream_ms, cell.load))

    def failures(self, variant: str) -> dict[str, int]:
        """Counts requests without a 2xx over all sections, by reason."""
        total: dict[str, int] = {}
        for item in self.measurements:
            for why, count in item.failed.items() if item.variant == variant else ():
                total[why] = total.get(why, 0) + count
        return total

    def save(self, path: Path) -> None:
        """Writes the results as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def _compared(
        self, cell: Cell, variant: str, other: str, figure: str, compare: Callable[[float, float], float]
    ) -> Spread | None:
        mine, theirs = (self.by_round(cell, name, figure) for name in (variant, other))
        return Spread.of([compare(value, theirs[number]) for number, value in mine.items() if number in theirs])


def percentile(ordered: Sequence[float], rank: float) -> float:
    """Returns the nearest-rank percentile of sorted values, `rank` from 0 to 1; 0 if there are no values."""
    return ordered[max(0, math.ceil(rank * len(ordered)) - 1)] if ordered else 0.0


def _over(value: float, other: float) -> float:
    return value / other if other else math.inf
