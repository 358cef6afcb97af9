"""The data: fine-needle biopsies of the breast, 569 of them, with what the pathologist found."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

Rows = NDArray[np.floating]
Labels = NDArray[np.integer]


@dataclass(frozen=True)
class DataSet:
    """Rows of shape (n, features), lengths in the source's own units; labels of shape (n,), indices into `classes`."""

    name: str
    source: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    rows: Rows
    labels: Labels

    @property
    def sha256(self) -> str:
        """Of the rows as little-endian doubles, then of the labels as bytes, both row by row."""
        return hashlib.sha256(self.rows.astype("<f8").tobytes() + self.labels.astype("u1").tobytes()).hexdigest()


@dataclass(frozen=True)
class Split:
    """What a training may see, and the hold-out that it never sees."""

    train_rows: Rows
    train_labels: Labels
    holdout_rows: Rows
    holdout_labels: Labels


def load() -> DataSet:
    """Wisconsin diagnostic breast cancer (Wolberg, Mangasarian, Street, 1995), as scikit-learn ships it. CC BY 4.0."""
    source = load_breast_cancer()
    return DataSet(
        name="Breast Cancer Wisconsin (Diagnostic)",
        source="sklearn.datasets.load_breast_cancer",
        features=tuple(str(name).replace(" ", "_") for name in source.feature_names),
        classes=tuple(str(name) for name in source.target_names),
        rows=source.data,
        labels=source.target,
    )


def split(data: DataSet, *, test_size: float, seed: int) -> Split:
    """Sets `test_size` (a share from 0 to 1) of the rows aside, each class in its proportion."""
    train_rows, holdout_rows, train_labels, holdout_labels = train_test_split(
        data.rows, data.labels, test_size=test_size, random_state=seed, stratify=data.labels
    )
    return Split(train_rows, train_labels, holdout_rows, holdout_labels)
