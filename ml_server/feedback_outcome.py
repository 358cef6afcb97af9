"""What a new version makes of doctors' verdicts, compared with the serving version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml_server.dataset import Labels
from ml_server.model_version import ModelVersion
from ml_server.onnx_session import OnnxSession
from ml_server.taught_examples import TaughtExample

MAX_LISTED = 100  # inferences of each list in a response

Named = Mapping[str, str | None]


@dataclass(frozen=True)
class FeedbackOutcome:
    """Each verdict is in one of four: both versions agree with it (`kept`), only the new, only the old, or neither.

    The lists hold `{"inference_id", "label", "predicted"}`: the right label, and the new version's, which is None if it
    can't be computed.
    """

    kept: int = 0
    learned: tuple[Named, ...] = ()
    unlearned: tuple[Named, ...] = ()
    not_learned: tuple[Named, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The counts, and the last inferences of each list."""
        lists = {"learned": self.learned, "unlearned": self.unlearned, "not_learned": self.not_learned}
        counts = {"kept": self.kept} | {name: len(found) for name, found in lists.items()}
        return {"counts": counts} | {name: list(found[-MAX_LISTED:]) for name, found in lists.items()}


def feedback_outcome(
    taught: Sequence[TaughtExample],
    lost: Sequence[Named],
    session: OnnxSession,
    serving: ModelVersion | None,
    classes: Sequence[str],
) -> FeedbackOutcome:
    """Predicts each of `taught` with both versions. `lost`: verdicts without a row, which count as unlearned.

    Without a serving version nothing was known before.
    """
    unknown = tuple({**each, "predicted": None} for each in lost)
    if not taught:
        return FeedbackOutcome(unlearned=unknown)
    rows = np.concatenate([each.row for each in taught]).astype(np.float32)
    right = np.array([classes.index(each.label) for each in taught])
    new = session.probabilities(rows).argmax(axis=1)
    knew = serving.handler.predict(rows).argmax(axis=1) == right if serving else np.zeros(len(right), dtype=bool)
    knows = new == right
    return FeedbackOutcome(
        kept=int((knows & knew).sum()),
        learned=_named(taught, knows & ~knew, new, classes),
        unlearned=unknown + _named(taught, ~knows & knew, new, classes),
        not_learned=_named(taught, ~knows & ~knew, new, classes),
    )


def _named(
    taught: Sequence[TaughtExample], chosen: Labels, predicted: Labels, classes: Sequence[str]
) -> tuple[Named, ...]:
    return tuple(
        {**taught[place].named, "predicted": classes[predicted[place]]} for place in map(int, np.flatnonzero(chosen))
    )
