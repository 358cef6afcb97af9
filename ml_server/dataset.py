"""What a training learns from, and how a part of it is set aside."""

import hashlib
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ml_server.network import Numbers

Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]


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

    @property
    def sha256(self) -> str:
        """Of the rows as little-endian doubles, then of the labels as bytes, both row by row."""
        return hashlib.sha256(self.rows.astype("<f8").tobytes() + self.labels.astype("u1").tobytes()).hexdigest()


@dataclass(frozen=True)
class Split:
    """What a training may see, and the hold-out that it never sees."""

    train_rows: Numbers
    train_labels: Labels
    holdout_rows: Numbers
    holdout_labels: Labels


def split(data: DataSet, *, test_size: float, seed: int) -> Split:
    """Sets `test_size` (a share from 0 to 1) of the rows aside, each class in its proportion.

    A row's own digest decides, so that with one seed a row stays on its side when others are added, when it comes
    twice, and whatever the order; a larger `test_size` only adds to what is set aside.
    """
    ranks = np.array(digests(data.rows, salt=str(seed).encode()))
    held = np.zeros(len(ranks), dtype=bool)
    for label in np.unique(data.labels):
        own = data.labels == label
        held |= own & (ranks <= np.sort(ranks[own])[ceil(test_size * own.sum()) - 1])
    return Split(data.rows[~held], data.labels[~held], data.rows[held], data.labels[held])


def digests(rows: Numbers, salt: bytes = b"") -> list[str]:
    """A short name for each row, by which it is known again in another data set."""
    return [hashlib.sha256(salt + row.tobytes()).hexdigest()[:12] for row in rows.astype("<f8")]
