"""Labeled examples from feedback: lines of the gateway's dataset, each with an input and its correct label.

An unusable example is left out and counted, so that one bad example among ten thousand does not stop a training.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml_server.dataset import Dataset, LabeledExamples, row_digests
from ml_server.exceptions import FieldError, Unprocessable
from ml_server.handlers.handler import Handler
from ml_server.onnx_session import FloatArray

MAX_EXAMPLES = 10_000
MAX_REASONS = 10  # in a response
MAX_LISTED = 100  # in model-info; the version's metadata.json lists all
MAX_ID_LENGTH = 100
SUPERSEDED = "a later example has the same input"


@dataclass(frozen=True)
class ParsedExamples:
    """The usable examples, and how many were left out for which reason.

    `used`: `{"inference_id", "label"}` of each, in the order of `labeled`.
    """

    used: tuple[dict[str, str], ...] = ()
    labeled: LabeledExamples | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The number of examples used, the number left out, and the most frequent reasons."""
        reasons = Counter(self.left_out)
        return {
            "used": len(self.used),
            "left_out": reasons.total(),
            "reasons": dict(reasons.most_common(MAX_REASONS)),
        }

    def lineage(self) -> dict[str, Any]:
        """The last examples used, and the digest of all of them."""
        digest = hashlib.sha256(json.dumps(self.used).encode()).hexdigest()
        return {"sha256": digest, "trained_on": list(self.used[-MAX_LISTED:])}


NO_EXAMPLES = ParsedExamples()


class _UnusableError(Exception):
    """The reason why an example is left out. Quotes nothing of the example."""


@dataclass(frozen=True)
class _Example:
    inference_id: str
    label: str
    row: FloatArray


def parse_examples(raw: Sequence[Any], model: str, handler: Handler, dataset: Dataset) -> ParsedExamples:
    """Parses `{"inference_id", "input", "label"}` objects for a training of `model` on `dataset`.

    `handler` preprocesses the inputs. If two examples have the same input, the later one counts.

    Raises:
        Unprocessable: there are too many examples, or none of them is usable.
    """
    if len(raw) > MAX_EXAMPLES:
        raise _unprocessable(f"must hold at most {MAX_EXAMPLES}")
    found: dict[str, _Example] = {}
    left_out: Counter[str] = Counter()
    for line in raw:
        try:
            example = _parse(line, model, handler, dataset)
        except _UnusableError as exc:
            left_out[str(exc)] += 1
            continue
        [digest] = row_digests(example.row)
        left_out[SUPERSEDED] += found.pop(digest, None) is not None
        found[digest] = example
    if not found:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in left_out.most_common(MAX_REASONS))
        raise _unprocessable(f"must hold at least one usable example: {reasons}")
    used = tuple({"inference_id": each.inference_id, "label": each.label} for each in found.values())
    return ParsedExamples(used, _labeled(list(found.values()), dataset), +left_out)


def _labeled(found: Sequence[_Example], dataset: Dataset) -> LabeledExamples:
    rows = np.concatenate([example.row for example in found])
    labels = np.array([dataset.classes.index(example.label) for example in found])
    return LabeledExamples(rows, labels).aligned_to(dataset.rows)


def _parse(line: Any, model: str, handler: Handler, dataset: Dataset) -> _Example:
    inference_id, body, label = _members(line)
    if label is None:
        raise _UnusableError("it has no label")
    if label not in dataset.classes:
        raise _UnusableError("its label is not one of the model's classes")
    if body.get("model", model) != model:
        raise _UnusableError("its input is for another model")
    return _Example(inference_id, label, _row(body, handler, dataset))


def _members(line: Any) -> tuple[str, Mapping[str, Any], str | None]:
    match line:
        case {"inference_id": str(inference_id), "input": dict(body), "label": None | str() as label}:
            if 0 < len(inference_id) <= MAX_ID_LENGTH:
                return inference_id, body, label
    raise _UnusableError("its inference_id, input or label is missing or invalid")


def _row(body: Mapping[str, Any], handler: Handler, dataset: Dataset) -> FloatArray:
    try:
        row = handler.preprocess(body)
    except Unprocessable as exc:
        raise _UnusableError(f"a field of its input {exc.field_errors[0].detail}") from exc
    if row.shape[1:] != dataset.rows.shape[1:]:
        raise _UnusableError("its input has another shape than the training data")
    return row


def _unprocessable(detail: str) -> Unprocessable:
    return Unprocessable("the examples are invalid: see `fields`", [FieldError("examples", detail)])
