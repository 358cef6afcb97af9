"""What judged inferences teach: the lines of a gateway's data set, each an input and the label that it is held to be.

One that can't be used is left out and counted, for an odd one among ten thousand must not stop the others.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml_server.dataset import DataSet, Lessons, digests
from ml_server.exceptions import Fault, Unprocessable
from ml_server.handlers.handler import Handler
from ml_server.network import Numbers

MOST_EXAMPLES = 10_000
MOST_REASONS = 10  # told
MOST_SHOWN = 100  # of those that taught, in what model-info answers; the version's own file names all
LONGEST_ID = 100  # characters
SUPERSEDED = "a later one is of the same input"


@dataclass(frozen=True)
class Examples:
    """Those that teach, in the order of `lessons`: `{"inference_id", "label"}`; and how many don't, by the reason."""

    taught: tuple[dict[str, str], ...] = ()
    lessons: Lessons | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """How many were used, and how many left out for which reasons, the most frequent ones first."""
        reasons = Counter(self.left_out)
        return {
            "used": len(self.taught),
            "left_out": reasons.total(),
            "reasons": dict(reasons.most_common(MOST_REASONS)),
        }

    def shown(self) -> dict[str, Any]:
        """The last of those that taught, and the digest of all of them."""
        digest = hashlib.sha256(json.dumps(self.taught).encode()).hexdigest()
        return {"sha256": digest, "taught": list(self.taught[-MOST_SHOWN:])}


NO_EXAMPLES = Examples()


class _Unusable(Exception):
    """Says why, in words that hold nothing of the example."""


@dataclass(frozen=True)
class _Example:
    inference_id: str
    label: str
    row: Numbers


def read_examples(given: Sequence[Any], model: str, handler: Handler, data: DataSet) -> Examples:
    """The examples `{"inference_id", "input", "label"}` for a training of `model` on `data`, prepared by `handler`.

    A later one counts instead of an earlier one of the same input. Raises `Unprocessable` where none can be used.
    """
    if len(given) > MOST_EXAMPLES:
        raise _refused(f"must be {MOST_EXAMPLES} at most")
    found: dict[str, _Example] = {}
    left_out: Counter[str] = Counter()
    for line in given:
        try:
            example = _read(line, model, handler, data)
        except _Unusable as exc:
            left_out[str(exc)] += 1
            continue
        [same] = digests(example.row)
        left_out[SUPERSEDED] += found.pop(same, None) is not None
        found[same] = example
    if not found:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in left_out.most_common(MOST_REASONS))
        raise _refused(f"hold none that can be used: {reasons}")
    taught = tuple({"inference_id": each.inference_id, "label": each.label} for each in found.values())
    return Examples(taught, _lessons(list(found.values()), data), +left_out)


def _lessons(found: Sequence[_Example], data: DataSet) -> Lessons:
    rows = np.concatenate([example.row for example in found])
    labels = np.array([data.classes.index(example.label) for example in found])
    return Lessons(rows, labels).as_in(data.rows)


def _read(line: Any, model: str, handler: Handler, data: DataSet) -> _Example:
    inference_id, given, label = _members(line)
    if label is None:
        raise _Unusable("it has no label")
    if label not in data.classes:
        raise _Unusable("its label is none of the model's classes")
    if given.get("model", model) != model:
        raise _Unusable("its input is for another model")
    return _Example(inference_id, label, _row(given, handler, data))


def _members(line: Any) -> tuple[str, Mapping[str, Any], str | None]:
    match line:
        case {"inference_id": str(inference_id), "input": dict(given), "label": None | str() as label}:
            if 0 < len(inference_id) <= LONGEST_ID:
                return inference_id, given, label
    raise _Unusable("it lacks an inference_id, an input or a label that can be used")


def _row(given: Mapping[str, Any], handler: Handler, data: DataSet) -> Numbers:
    try:
        row = handler.preprocess(given)
    except Unprocessable as exc:
        raise _Unusable(f"a field of its input {exc.faults[0].detail}") from exc
    if row.shape[1:] != data.rows.shape[1:]:
        raise _Unusable("its input has not the shape of what is learned from")
    return row


def _refused(detail: str) -> Unprocessable:
    return Unprocessable("the examples can't be used", [Fault("examples", detail)])
