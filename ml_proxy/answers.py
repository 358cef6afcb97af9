"""Reads the predictions in a model's answer: `{"predictions": [{"label", "confidence"}, …]}`, surest first."""

from typing import NamedTuple

from common import person_names, strict_json
from common.strict_json import Number, Value, member
from ml_proxy.models import MAX_LABEL


class Prediction(NamedTuple):
    """One class. The label is canonical, as labels of verdicts are. `confidence` is from 0 to 1, or None."""

    label: str
    confidence: float | None


def predictions(output: str) -> list[Prediction]:
    """The predictions up to the first that has no usable label; empty for an answer of another shape."""
    found: list[Prediction] = []
    listed = member(strict_json.parse(output), "predictions")
    for each in listed if isinstance(listed, list) else ():
        try:
            label = person_names.canonical(member(each, "label"), MAX_LABEL)
        except person_names.BadName:
            break
        found.append(Prediction(label, _confidence(member(each, "confidence"))))
    return found


def _confidence(value: Value) -> float | None:
    number = float(value) if isinstance(value, Number) else -1.0
    return number if 0 <= number <= 1 else None
