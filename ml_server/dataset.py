"""What a training learns from, and how a part of it is set aside."""

import hashlib
from dataclasses import dataclass, replace
from math import ceil
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml_server.network import Numbers, Tensor

Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Lessons:
    """Rows that somebody judged, each of another input, in a data set's shapes: there the judgement counts."""

    rows: Numbers
    labels: Labels

    def as_in(self, rows: Numbers) -> Self:
        """The same, but a row that only its rounding to 32 bits sets apart from one of `rows` is that one."""
        known = dict(zip(digests(rows.astype(np.float32)), rows, strict=True))
        own = [known.get(digest, row) for digest, row in zip(digests(self.rows), self.rows, strict=True)]
        return replace(self, rows=np.array(own, dtype=rows.dtype))

    def learned(self, probabilities: Tensor) -> int:
        """How many are answered as they are labelled, by a model that answers `rows` with these."""
        return int((probabilities.argmax(axis=1) == self.labels).sum())


@dataclass(frozen=True)
class DataSet:
    """Rows in the shape that the network takes, (n, …); labels of shape (n,), indices into `classes`."""

    name: str
    source: str
    licence: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    rows: Numbers
    labels: Labels
    lessons: Lessons | None = None

    @property
    def sha256(self) -> str:
        """Of the rows as little-endian doubles, then of the labels as bytes, both row by row; then of the lessons'."""
        digest = hashlib.sha256()
        for part in (self, self.lessons) if self.lessons else (self,):
            digest.update(part.rows.astype("<f8").tobytes() + part.labels.astype("u1").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Split:
    """What a training may see, and the hold-out that it never sees; `given_up` counts what lessons took out of that."""

    train_rows: Numbers
    train_labels: Labels
    holdout_rows: Numbers
    holdout_labels: Labels
    given_up: int = 0

    def taught(self, lessons: Lessons, times: Labels) -> Self:
        """With each lesson so many times among the training rows."""
        return replace(
            self,
            train_rows=np.concatenate([self.train_rows, np.repeat(lessons.rows, times, axis=0)]),
            train_labels=np.concatenate([self.train_labels, np.repeat(lessons.labels, times)]),
        )


def split(data: DataSet, *, test_size: float, seed: int) -> Split:
    """Sets `test_size` (a share from 0 to 1) of the rows aside, each class in its proportion.

    A row's own digest decides, so that with one seed a row stays on its side when others are added, when it comes
    twice, and whatever the order; a larger `test_size` only adds to what is set aside. Rows that are lessons are then
    taken out of both sides.
    """
    ranks = np.array(digests(data.rows, salt=str(seed).encode()))
    held = np.zeros(len(ranks), dtype=bool)
    for label in np.unique(data.labels):
        own = data.labels == label
        held |= own & (ranks <= np.sort(ranks[own])[ceil(test_size * own.sum()) - 1])
    lessons = set(digests(data.lessons.rows)) if data.lessons else set()
    judged = np.array([digest in lessons for digest in digests(data.rows)])
    seen, unseen = ~held & ~judged, held & ~judged
    given_up = int((held & judged).sum())
    return Split(data.rows[seen], data.labels[seen], data.rows[unseen], data.labels[unseen], given_up)


def digests(rows: Numbers, salt: bytes = b"") -> list[str]:
    """A short name for each row, by which it is known again in another data set."""
    return [hashlib.sha256(salt + row.tobytes()).hexdigest()[:12] for row in rows.astype("<f8")]
