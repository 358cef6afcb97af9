"""How good a classifier of two classes is, with 95 % intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.intervals import wilson

Judged = Sequence[tuple[float, bool]]  # a score, and whether it truly is one


@dataclass(frozen=True)
class Share:
    """A part of a whole, with Wilson's interval."""

    part: int
    whole: int

    def __str__(self) -> str:
        """Such as `0.950 (0.764-0.991), 19 of 20`."""
        if not self.whole:
            return "no case"
        low, high = wilson(self.part, self.whole)
        return f"{self.part / self.whole:.3f} ({low:.3f}-{high:.3f}), {self.part} of {self.whole}"


@dataclass(frozen=True)
class Measures:
    """Accuracy, precision and recall."""

    accuracy: Share
    precision: Share
    recall: Share


def measure(judged: Judged, threshold: float) -> Measures:
    """The measures, if scores of `threshold` or more count as one."""
    hits = sum(truth for score, truth in judged if score >= threshold)
    right = sum((score >= threshold) == truth for score, truth in judged)
    found = sum(score >= threshold for score, _ in judged)
    there = sum(truth for _, truth in judged)
    return Measures(Share(right, len(judged)), Share(hits, found), Share(hits, there))


def best_threshold(judged: Judged) -> float:
    """The threshold with the highest accuracy; of several, the one with the most room on both sides."""
    scores = sorted({0.0, 1.0, *(score for score, _ in judged)})
    gaps = [((low + high) / 2, high - low) for low, high in pairwise(scores)]
    return max(gaps, key=lambda gap: (measure(judged, gap[0]).accuracy.part, gap[1]))[0]
