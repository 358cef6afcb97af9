"""Labeled examples from feedback: lines of the gateway's dataset, each with an input and its correct label.

An unusable example is left out and counted, so that one bad example among ten thousand does not stop a training.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml_server.dataset import Dataset, LabeledExamples
from ml_server.exceptions import FieldError, Unprocessable
from ml_server.handlers.handler import Handler
from ml_server.onnx_session import FloatArray
from ml_server.taught_examples import TaughtExample, merge_examples

MAX_EXAMPLES = 10_000
MAX_REASONS = 10  # in a response
MAX_LISTED = 100  # in model-info; the version's metadata.json lists all
MAX_ID_LENGTH = 100
MAX_VERDICT_ID = 2**63 - 1
SUPERSEDED = "a later example has the same input"
OUTDATED = "the model no longer has its label or its shape of input"


@dataclass(frozen=True)
class ParsedExamples:
    """The usable examples, the oldest verdict first, and how many were left out for which reason.

    `inherited`: how many of them come from earlier trainings. `outdated`: earlier ones that can't be used any more.
    """

    taught: tuple[TaughtExample, ...] = ()
    labeled: LabeledExamples | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    inherited: int = 0
    outdated: tuple[TaughtExample, ...] = ()

    @property
    def used(self) -> list[dict[str, str]]:
        """`{"inference_id", "label"}` of each, in the order of `labeled`."""
        return [each.named for each in self.taught]

    def summary(self) -> dict[str, Any]:
        """The number of examples used, the number left out, and the most frequent reasons."""
        reasons = Counter(self.left_out)
        return {
            "used": len(self.taught),
            "inherited": self.inherited,
            "left_out": reasons.total(),
            "reasons": dict(reasons.most_common(MAX_REASONS)),
        }

    def lineage(self) -> dict[str, Any]:
        """The last examples used, and the digest of all of them."""
        digest = hashlib.sha256(json.dumps(self.used).encode()).hexdigest()
        return {"sha256": digest, "trained_on": self.used[-MAX_LISTED:]}


NO_EXAMPLES = ParsedExamples()


class _UnusableError(Exception):
    """The reason why an example is left out. Quotes nothing of the example."""


def parse_examples(
    raw: Sequence[Any], model: str, handler: Handler, dataset: Dataset, inherited: Sequence[TaughtExample] = ()
) -> ParsedExamples:
    """Parses `{"inference_id", "input", "label", "verdict_id"}` objects, and adds those that are `inherited`.

    `handler` preprocesses the inputs. If two examples have the same input, the one with the higher `verdict_id` counts,
    or else the later one. An example without a `verdict_id` counts as given now.

    Raises:
        Unprocessable: there are too many examples, or none of them is usable.
    """
    if len(raw) > MAX_EXAMPLES:
        raise _unprocessable(f"must hold at most {MAX_EXAMPLES}")
    found: list[TaughtExample] = []
    now = time.time_ns() // 1000
    left_out: Counter[str] = Counter()
    for line in raw:
        try:
            found.append(_parse(line, model, handler, dataset, now))
        except _UnusableError as exc:
            left_out[str(exc)] += 1
    if raw and not found:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in left_out.most_common(MAX_REASONS))
        raise _unprocessable(f"must hold at least one usable example: {reasons}")
    return _merge(found, inherited, left_out, dataset)


def inherited_examples(inherited: Sequence[TaughtExample], dataset: Dataset) -> ParsedExamples:
    """What a training without examples of its own keeps."""
    return _merge([], inherited, Counter(), dataset)


def _merge(
    found: Sequence[TaughtExample], inherited: Sequence[TaughtExample], left_out: Counter[str], dataset: Dataset
) -> ParsedExamples:
    usable = [each for each in inherited if _fits(each, dataset)]
    outdated = tuple(each for each in inherited if not _fits(each, dataset))
    taught = merge_examples([*usable, *found])
    sent = set(map(id, found)) & set(map(id, taught))
    left_out[SUPERSEDED] += len(found) - len(sent)
    left_out[OUTDATED] += len(outdated)
    labeled = _labeled(taught, dataset) if taught else None
    return ParsedExamples(taught, labeled, +left_out, len(taught) - len(sent), outdated)


def _fits(example: TaughtExample, dataset: Dataset) -> bool:
    return example.label in dataset.classes and example.row.shape[1:] == dataset.rows.shape[1:]


def _labeled(found: Sequence[TaughtExample], dataset: Dataset) -> LabeledExamples:
    rows = np.concatenate([example.row for example in found])
    labels = np.array([dataset.classes.index(example.label) for example in found])
    return LabeledExamples(rows, labels).aligned_to(dataset.rows)


def _parse(line: Any, model: str, handler: Handler, dataset: Dataset, now: int) -> TaughtExample:
    inference_id, body, label = _members(line)
    if label is None:
        raise _UnusableError("it has no label")
    if label not in dataset.classes:
        raise _UnusableError("its label is not one of the model's classes")
    if body.get("model", model) != model:
        raise _UnusableError("its input is for another model")
    return TaughtExample(inference_id, label, _row(body, handler, dataset), _verdict_id(line, now))


def _verdict_id(line: Mapping[str, Any], now: int) -> int:
    """The gateway's, which is a time in microseconds, or one more than the last."""
    found = line.get("verdict_id")
    return found if type(found) is int and 0 <= found <= MAX_VERDICT_ID else now


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
