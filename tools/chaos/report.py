"""The report of a campaign: printed, and saved as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.chaos.comparison import Comparison
from tools.chaos.watchers import Watched


@dataclass(frozen=True, kw_only=True)
class Report:
    """All results. The names of durations contain the unit."""

    seed: int
    database: str
    seconds: float
    sent: int
    planned: int  # answers
    answered: int
    refused: Mapping[str, int]  # by status; "broken" if there was no complete answer
    faults: Mapping[str, int]  # by kind
    failed_faults: int  # could not be injected or undone as planned
    left_out: Mapping[str, str]  # what the machine lacks for some faults: why
    restarts: int
    watched: Watched
    comparison: Comparison
    account: Mapping[str, float]  # of `manage.py reconcile`
    added_ms: Mapping[str, float]  # the gateway's time without the model's
    drained_seconds: float | None  # None: took too long
    verify_log: str
    is_verified: bool

    @property
    def is_whole(self) -> bool:
        """Whether every answer has exactly one correct row, in a log that verifies, and every tampering was named."""
        found = self.comparison
        answers = found.missing, found.doubled, found.altered, found.unnamed, found.withheld, found.foreign
        wrong = *answers, found.rejected
        return not any(wrong) and self.watched.is_whole and self.is_verified and self.drained_seconds is not None

    @property
    def is_complete(self) -> bool:
        """Whether the planned number of predictions was answered within the time limit."""
        return self.answered >= self.planned

    def lines(self) -> list[str]:
        """Returns one line for each figure."""
        kept = {name: value for name, value in asdict(self).items() if name not in {"comparison", "watched", "faults"}}
        faults = {f"fault: {name}": count for name, count in self.faults.items()}
        named = {**asdict(self.comparison), **asdict(self.watched), **kept, **faults}
        return [f"{name.replace('_', ' '):<36} {_shown(value)}" for name, value in named.items()]

    def save(self, folder: Path) -> Path:
        """Writes `chaos-{seed}.json` and returns its path."""
        path = folder / f"chaos-{self.seed}.json"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"is_whole": self.is_whole, **asdict(self)}, indent=2) + "\n")
        return path


def percentiles(ordered: Sequence[float]) -> dict[str, float]:
    """Returns median, 99th percentile and maximum of sorted values; empty if there are none."""
    if not ordered:
        return {}
    ranks = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[max(0, math.ceil(rank * len(ordered)) - 1)], 2) for name, rank in ranks.items()}


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return "; ".join(map(_shown, value)) or "none"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
