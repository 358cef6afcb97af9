"""Datasets for training, and how a hold-out is split off."""

import hashlib
from dataclasses import dataclass, replace
from math import ceil
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml_server.onnx_session import FloatArray, Tensor

Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabeledExamples:
    """Rows with labels from feedback, in the shapes of a dataset. Each row is different; its label takes precedence."""

    rows: FloatArray
    labels: Labels

    def aligned_to(self, rows: FloatArray) -> Self:
        """Replaces each example row by the row of `rows` that it equals after rounding to 32 bits, if there is one."""
        known = dict(zip(row_digests(rows.astype(np.float32)), rows, strict=True))
        own = [known.get(digest, row) for digest, row in zip(row_digests(self.rows), self.rows, strict=True)]
        return replace(self, rows=np.array(own, dtype=rows.dtype))

    def count_learned(self, probabilities: Tensor) -> int:
        """How many examples a model predicts as labeled. `probabilities`: its output for `rows`, (n, classes)."""
        return int((probabilities.argmax(axis=1) == self.labels).sum())


@dataclass(frozen=True)
class Dataset:
    """Rows in the shape of the model's input, (n, …), and labels of shape (n,), which are indices into `classes`."""

    name: str
    source: str
    licence: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    rows: FloatArray
    labels: Labels
    labeled_examples: LabeledExamples | None = None

    @property
    def sha256(self) -> str:
        """Digest of the rows as little-endian doubles and the labels as bytes, then of the examples' likewise."""
        digest = hashlib.sha256()
        for part in (self, self.labeled_examples) if self.labeled_examples else (self,):
            digest.update(part.rows.astype("<f8").tobytes() + part.labels.astype("u1").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Split:
    """The training rows and the hold-out. `holdout_removed` counts hold-out rows removed because they are examples."""

    train_rows: FloatArray
    train_labels: Labels
    holdout_rows: FloatArray
    holdout_labels: Labels
    holdout_removed: int = 0

    def with_examples(self, examples: LabeledExamples, repeats: Labels) -> Self:
        """Adds each example to the training rows as often as `repeats`, shape (examples,), says."""
        return replace(
            self,
            train_rows=np.concatenate([self.train_rows, np.repeat(examples.rows, repeats, axis=0)]),
            train_labels=np.concatenate([self.train_labels, np.repeat(examples.labels, repeats)]),
        )


def split_dataset(dataset: Dataset, *, test_size: float, seed: int) -> Split:
    """Holds out a fraction `test_size` (0 to 1) of the rows, stratified by class.

    A hash of the row itself decides. So with the same seed a row stays on its side when other rows are added, when it
    occurs twice, and in any order; a larger `test_size` only adds rows to the hold-out. Rows that are also examples are
    then removed from both sides.
    """
    ranks = np.array(row_digests(dataset.rows, salt=str(seed).encode()))
    held_out = np.zeros(len(ranks), dtype=bool)
    for label in np.unique(dataset.labels):
        of_class = dataset.labels == label
        held_out |= of_class & (ranks <= np.sort(ranks[of_class])[ceil(test_size * of_class.sum()) - 1])
    examples = set(row_digests(dataset.labeled_examples.rows)) if dataset.labeled_examples else set()
    is_example = np.array([digest in examples for digest in row_digests(dataset.rows)])
    train, holdout = ~held_out & ~is_example, held_out & ~is_example
    removed = int((held_out & is_example).sum())
    rows, labels = dataset.rows, dataset.labels
    return Split(rows[train], labels[train], rows[holdout], labels[holdout], removed)


def row_digests(rows: FloatArray, salt: bytes = b"") -> list[str]:
    """A short digest of each row, by which the same row is recognised in another dataset."""
    return [hashlib.sha256(salt + row.tobytes()).hexdigest()[:12] for row in rows.astype("<f8")]
