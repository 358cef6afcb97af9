"""The review queue: recent inferences without a verdict, the least sure and the most drifted first."""

from collections.abc import Sequence
from heapq import nlargest
from typing import Any, NamedTuple
from uuid import UUID

from common.strict_json import NotJSON
from ml_proxy import history
from ml_proxy.answers import Prediction, predictions
from ml_proxy.insight.reference import Reference, reference, values
from ml_proxy.insight.sample import short
from ml_proxy.insight.window import Window
from ml_proxy.models import Feedback

CANDIDATES = 2000  # the newest inferences of the window that are looked at
ORDERS = ("score", "uncertainty", "drift")
MAX_OUTSIDE = 10  # inputs of one inference that are listed
LIMIT, MAX_LIMIT = 50, 200


class Candidate(NamedTuple):
    """An inference in the queue.

    `uncertainty` is 0 for a sure answer and 1 for one that is no surer than chance. `drift` is the fraction of inputs
    outside the training data. `score` is the larger of the two. `outside` lists such inputs.
    """

    id: UUID
    doctor_name: str
    patient_name: str
    predicted_at: Any
    model_name: str
    model_version: str
    label: str | None
    confidence: float | None
    uncertainty: float
    drift: float
    score: float
    outside: list[dict[str, Any]]


def queue(window: Window, by: str = ORDERS[0], limit: int = LIMIT) -> list[Candidate]:
    """Returns at most `limit` inferences, the one to review first at the front."""
    known = reference(window.model)
    rows = _without_verdict(_newest(window))
    found = [_candidate(row, known) for row in rows if window.model in {None, row.model_name}]
    return nlargest(limit, (each for each in found if getattr(each, by) > 0), key=lambda each: getattr(each, by))


def _newest(window: Window) -> list[Any]:
    matching = history.HISTORY.matching(history.wanted(scope=window.scope, since=window.since, until=window.until))
    rows = matching.annotate(input_text=short("input_data"), output_text=short("output_data"))
    return list(rows.values_list(*_COLUMNS, "input_text", "output_text", named=True)[:CANDIDATES])


def _without_verdict(rows: Sequence[Any]) -> list[Any]:
    judged = Feedback.objects.filter(inference_id__in=[row.id for row in rows]).values_list("inference_id", flat=True)
    known = set(judged)
    return [row for row in rows if row.id not in known]


def _candidate(row: Any, known: Reference) -> Candidate:
    found = _predictions(row.output_text)
    outside = _outside(row, known)
    uncertainty, drift = _uncertainty(found), len(outside) / len(known.inputs) if known.inputs else 0.0
    label, confidence = found[0] if found else (None, None)
    score = max(uncertainty, drift)
    columns = {name: getattr(row, name) for name in _COLUMNS}
    return Candidate(
        **columns,
        label=label,
        confidence=confidence,
        uncertainty=uncertainty,
        drift=drift,
        score=score,
        outside=outside[:MAX_OUTSIDE],
    )


def _predictions(text: str | None) -> list[Prediction]:
    try:
        return predictions(text) if text is not None else []
    except NotJSON:
        return []


def _uncertainty(found: Sequence[Prediction]) -> float:
    """Compared with chance among the classes that the answer names, at least two."""
    if not found or found[0].confidence is None:
        return 0.0
    return min((1 - found[0].confidence) / (1 - 1 / max(len(found), 2)), 1.0)


def _outside(row: Any, known: Reference) -> list[dict[str, Any]]:
    """The inputs whose value the training data does not cover; none for a row of another model."""
    read = values(row.input_text, known.inputs) if row.input_text and row.model_name == known.model_name else None
    pairs = zip(known.inputs, read or (), strict=False)
    return [
        {"pointer": each.pointer, "value": value, "bounds": each.bounds}
        for each, value in pairs
        if each.is_outside(value)
    ]


_COLUMNS = ("id", "doctor_name", "patient_name", "predicted_at", "model_name", "model_version")
