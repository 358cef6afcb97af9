"""Inferences per day, classes over time, confidence and latency, estimated from a sample of the window."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from common.strict_json import NotJSON
from ml_proxy.answers import Prediction, predictions
from ml_proxy.insight.sample import Sample, SampledRow, sample, short
from ml_proxy.insight.window import Window

PERCENTILES = (50, 90, 95, 99)
BINS = 20  # of the confidence, from 0 to 1
MAX_CLASSES = 12  # shown by name; the rest counts as OTHER
OTHER, NO_CLASS = "…", ""  # the class of an answer that names none is blank

Read = tuple[SampledRow, Prediction | None]


def overview(window: Window) -> dict[str, Any]:
    """The JSON members of the answer."""
    taken = sample(window, short("output_data"))
    read = [(row, top(row.text)) for row in taken.rows]
    classes = _by_class(read)
    shown = {label for label, _ in classes.most_common(MAX_CLASSES)}
    return {
        "since": window.since,
        "until": window.until,
        "timezone": str(window.zone),
        "model": window.model,
        "total": _total(window, taken),
        "sampled": len(taken.rows),
        "is_complete": taken.is_complete,
        "days": _days(window, taken, read, shown),
        "classes": [{"label": label, "count": round(count)} for label, count in _shown(classes, shown).most_common()],
        "confidence": {"bins": BINS, "counts": _confidence(read)},
        "latency_ms": _percentiles(row for row, _ in read),
        "models": _models(taken.rows),
    }


def top(text: str | None) -> Prediction | None:
    """The surest prediction of an answer, if it has one."""
    try:
        found = predictions(text) if text is not None else []
    except NotJSON:
        return None
    return found[0] if found else None


def _total(window: Window, taken: Sample) -> int:
    return sum(taken.days.values()) if window.model is None else round(sum(row.weight for row in taken.rows))


def _days(window: Window, taken: Sample, read: list[Read], shown: set[str]) -> list[dict[str, Any]]:
    by_day: dict[str, list[Read]] = defaultdict(list)
    for each in read:
        by_day[each[0].day].append(each)
    return [
        {
            "day": day,
            "count": count if window.model is None else round(sum(row.weight for row, _ in by_day[day])),
            "classes": {label: round(n) for label, n in _shown(_by_class(by_day[day]), shown).items()},
            "latency_ms": _percentiles(row for row, _ in by_day[day]),
        }
        for day, count in taken.days.items()
    ]


def _by_class(read: Iterable[Read]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row, prediction in read:
        counts[prediction.label if prediction else NO_CLASS] += row.weight  # type: ignore[assignment] # as typeshed says
    return counts


def _shown(counts: Counter[str], shown: set[str]) -> Counter[str]:
    merged: Counter[str] = Counter()
    for label, count in counts.items():
        merged[label if label in shown else OTHER] += count
    return merged


def _confidence(read: list[Read]) -> list[int]:
    edges = [number / BINS for number in range(1, BINS)]
    counts = [0.0] * BINS
    for row, prediction in read:
        if prediction and prediction.confidence is not None:
            counts[bisect_right(edges, prediction.confidence)] += row.weight
    return [round(count) for count in counts]


def _percentiles(rows: Iterable[SampledRow]) -> dict[str, float] | None:
    """Weighted percentiles of the latency, in milliseconds; None without rows."""
    pairs = sorted((row.latency_ms, row.weight) for row in rows)
    if not pairs:
        return None
    total, reached, found = sum(weight for _, weight in pairs), 0.0, iter(pairs)
    answer: dict[str, float] = {}
    value = pairs[0][0]
    for percentile in PERCENTILES:
        while reached < total * percentile / 100 and (pair := next(found, None)):
            value, reached = pair[0], reached + pair[1]
        answer[f"p{percentile}"] = round(value, 3)
    return answer


def _models(rows: Iterable[SampledRow]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        counts[row.model_name, row.model_version] += row.weight
    return [
        {"model_name": name, "model_version": version, "count": round(count)}
        for (name, version), count in sorted(counts.items(), key=lambda item: -item[1])
    ]
