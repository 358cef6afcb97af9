"""Accuracy against doctors' verdicts by model version, with Wilson intervals."""

from collections import defaultdict
from math import sqrt
from typing import Any

from ml_proxy.accuracy import Accuracy, FeedbackFilter, accuracy

Z = 1.959963984540054  # the normal quantile of a two-sided interval of 95%


def agreement(wanted: FeedbackFilter, by: str) -> list[dict[str, Any]]:
    """One entry for each version, the most judged first, with its periods; oldest period first."""
    versions: dict[tuple[str, str], list[Accuracy]] = defaultdict(list)
    for entry in accuracy(wanted, by):
        versions[entry.model_name, entry.model_version].append(entry)
    found = [_version(name, version, periods) for (name, version), periods in versions.items()]
    return sorted(found, key=lambda each: -(each["agreed"] + each["corrected"]))


def wilson(agreed: int, judged: int) -> tuple[float, float]:
    """The Wilson score interval (95%) of a proportion; (0, 1) if nothing is judged.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    if not judged:
        return 0.0, 1.0
    share, spread = agreed / judged, Z * Z / judged
    middle = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / judged + spread / (4 * judged)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _version(name: str, version: str, periods: list[Accuracy]) -> dict[str, Any]:
    agreed, corrected = sum(each.agreed for each in periods), sum(each.corrected for each in periods)
    return {
        "model_name": name,
        "model_version": version,
        **_counted(agreed, corrected),
        "periods": [{"period": each.period, **_counted(each.agreed, each.corrected)} for each in periods],
    }


def _counted(agreed: int, corrected: int) -> dict[str, Any]:
    judged = agreed + corrected
    low, high = wilson(agreed, judged)
    return {"agreed": agreed, "corrected": corrected, "accuracy": agreed / judged, "low": low, "high": high}
