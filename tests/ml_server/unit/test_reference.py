"""The `reference` of model-info: the distribution of the training data."""

import numpy as np

from ml_server.dataset import split_dataset
from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.reference import build_reference


def test_bins_hold_about_a_tenth_of_the_rows_each() -> None:
    rows = np.column_stack([np.arange(1000.0), np.zeros(1000)])
    found = build_reference(["a", "b"], rows)
    assert found["rows"] == 1000
    assert found["inputs"]["/features/a"]["counts"] == [100] * 10
    assert (found["inputs"]["/features/a"]["minimum"], found["inputs"]["/features/a"]["maximum"]) == (0, 999)
    assert found["inputs"]["/features/b"] == {"minimum": 0, "maximum": 0, "edges": [0], "counts": [0, 1000]}


def test_the_biopsies_have_one_for_each_feature() -> None:
    recipe = BreastCancer()
    dataset = recipe.load_dataset()
    split = split_dataset(dataset, test_size=0.2, seed=0)
    inputs = recipe.describe(dataset, split)["reference"]["inputs"]
    assert set(inputs) == {f"/features/{name}" for name in dataset.features}
    assert all(sum(each["counts"]) == len(split.train_rows) for each in inputs.values())
