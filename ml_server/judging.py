"""Whether a newly trained version may take the place of the one in service.

Both answer the same rows: those of the new one's hold-out that the other was not trained on either. The new one is
worse where it gets fewer of them right; and where it gets fewer of one class right, beyond what chance explains,
however good the rest is: McNemar's exact test on the rows that only one of the two gets right, one-sided, at 5 %. An
equal one is promoted. Where nothing can be told the one in service stays: to promote by hand what was kept is easy.

One that mends something, which answers more of its lessons as they are labelled than the one in service does, is worse
over all rows too only beyond chance. Lessons themselves are never among the rows that are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from ml_server.courses.course import share
from ml_server.dataset import Mask, digests
from ml_server.model import Model
from ml_server.params import ALWAYS, NEVER
from ml_server.training import Trained

LEVEL = 0.05
FEWEST_ROWS = 20  # fewer tell nothing


@dataclass(frozen=True)
class Judgement:
    """Whether to promote, why, and the figures: rows compared, and the share that each gets right."""

    promoted: bool
    reason: str
    compared: dict[str, Any] | None = None


def judge(trained: Trained, serving: Model | None, classes: tuple[str, ...], promote: str) -> Judgement:
    """`promote` is a training's parameter of this name."""
    found = _compare(trained, serving, classes)
    if promote in {ALWAYS, NEVER}:
        return Judgement(promote == ALWAYS, f"promote is {promote}", found.compared)
    return found


def is_beyond_chance(lost: int, won: int) -> bool:
    """Whether so many rows lost, and so few won, tell of more than chance."""
    differ = lost + won
    as_many_or_more = sum(comb(differ, count) for count in range(lost, differ + 1))
    return as_many_or_more / (1 << differ) < LEVEL


def _compare(trained: Trained, serving: Model | None, classes: tuple[str, ...]) -> Judgement:
    if serving is None:
        return Judgement(promoted=True, reason="none was in service")
    if serving.card["classes"] != list(classes):
        return Judgement(promoted=False, reason=f"version {serving.version} has other classes")
    if serving.seen is None:
        return Judgement(promoted=False, reason=f"nobody knows which rows version {serving.version} was trained on")
    rows, truth = trained.split.holdout_rows, trained.split.holdout_labels
    fair = np.array([row not in serving.seen for row in digests(rows)])
    if fair.sum() < FEWEST_ROWS:
        return Judgement(promoted=False, reason=f"only {fair.sum()} rows are new to version {serving.version} too")
    new = trained.probabilities[fair].argmax(axis=1) == truth[fair]
    old = serving.handler.predict(rows[fair]).argmax(axis=1) == truth[fair]
    compared = {"with": serving.version, "rows": len(new), "accuracy": share(new), "accuracy_in_service": share(old)}
    mends = _mends(trained, serving)
    if where := _where_worse(new, old, [classes[label] for label in truth[fair]], mends=mends):
        return Judgement(promoted=False, reason=f"worse than version {serving.version} {where}", compared=compared)
    reason = (
        f"not worse than version {serving.version}{' beyond chance, and it mends mistakes of that' if mends else ''}"
    )
    return Judgement(promoted=True, reason=reason, compared=compared)


def _mends(trained: Trained, serving: Model) -> bool:
    lessons = trained.lessons
    return lessons is not None and trained.learned > lessons.learned(serving.handler.predict(lessons.rows))


def _where_worse(new: Mask, old: Mask, truth: Sequence[str], *, mends: bool) -> str:
    """In words; empty where it is not. All three have shape (rows,)."""
    lost, won = _differ(new, old)
    if is_beyond_chance(lost, won) if mends else lost > won:
        return f"by {lost - won} of {len(new)} rows"
    for label in sorted(set(truth)):
        own = np.array(truth) == label
        lost, won = _differ(new[own], old[own])
        if is_beyond_chance(lost, won):
            return f"by {lost - won} of {own.sum()} rows of class {label}"
    return ""


def _differ(new: Mask, old: Mask) -> tuple[int, int]:
    """How many rows only the old one gets right, and how many only the new one."""
    return int((old & ~new).sum()), int((new & ~old).sum())
