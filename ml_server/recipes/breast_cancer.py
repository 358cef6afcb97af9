"""Breast cancer: 569 fine-needle biopsies with the pathologists' diagnoses."""

from collections.abc import Generator
from typing import Any

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ml_server.dataset import Dataset, Split
from ml_server.handlers.tabular import TabularHandler
from ml_server.onnx_session import Tensor
from ml_server.params import Params
from ml_server.progress import Progress, ProgressTracker
from ml_server.recipes.recipe import Recipe, fit_epochs, fraction_true
from ml_server.reference import build_reference

POSITIVE = 0  # malignant, the class that sensitivity refers to
# No measurement of a biopsy is negative. The maximum keeps the values within 32-bit floats.
MINIMUM, MAXIMUM = 0.0, 1e6
_MEASURES = {
    "radius": "반지름",
    "texture": "질감",
    "perimeter": "둘레",
    "area": "면적",
    "smoothness": "매끄러움",
    "compactness": "조밀도",
    "concavity": "오목함",
    "concave_points": "오목점",
    "symmetry": "대칭성",
    "fractal_dimension": "프랙털 차원",
}
_STATISTICS = {"mean_{}": "{} 평균", "{}_error": "{} 표준오차", "worst_{}": "{} 최댓값"}
KOREAN = {
    "malignant": "악성",
    "benign": "양성",
    "features": "측정값",
    **{
        name.format(measure): words.format(word)
        for name, words in _STATISTICS.items()
        for measure, word in _MEASURES.items()
    },
}


class BreastCancer(Recipe):
    """Logistic regression: malignant or benign."""

    name = "breast-cancer-wisconsin"
    method = "logistic regression on standardised features, stochastic gradient descent"

    def load_dataset(self) -> Dataset:
        """Wisconsin diagnostic breast cancer (Wolberg, Mangasarian, Street, 1995), as scikit-learn ships it."""
        source = load_breast_cancer()
        return Dataset(
            name="Breast Cancer Wisconsin (Diagnostic)",
            source="sklearn.datasets.load_breast_cancer",
            licence="CC-BY-4.0",
            features=tuple(str(name).replace(" ", "_") for name in source.feature_names),
            classes=tuple(str(name) for name in source.target_names),
            rows=source.data,
            labels=source.target,
        )

    def fit(self, split: Split, params: Params, tracker: ProgressTracker) -> Generator[Progress, None, Pipeline]:
        """Fits a scaler and a logistic regression. `params.C` is the inverse strength of the L2 penalty."""
        scaler = StandardScaler().fit(split.train_rows)
        rows = scaler.transform(split.train_rows)
        alpha = 1 / (params.C * len(rows))
        classifier = SGDClassifier(loss="log_loss", alpha=alpha, shuffle=False, random_state=params.seed)
        yield from fit_epochs(classifier, rows, split.train_labels, params, tracker)
        return Pipeline([("scale", scaler), ("classify", classifier)])

    def export_onnx(self, estimator: Any) -> bytes:
        """Exports the pipeline with skl2onnx."""
        inputs = [("features", FloatTensorType([None, estimator.n_features_in_]))]
        exported: Any = to_onnx(estimator, initial_types=inputs, options={"zipmap": False})
        onnx: bytes = exported.SerializeToString()
        return onnx

    def evaluate(self, probabilities: Tensor, split: Split) -> dict[str, float]:
        """Adds ROC AUC, sensitivity (recall of malignant rows) and specificity (recall of benign rows)."""
        truth, predicted = split.holdout_labels == POSITIVE, probabilities.argmax(axis=1) == POSITIVE
        return {
            **super().evaluate(probabilities, split),
            "roc_auc": round(float(roc_auc_score(truth, probabilities[:, POSITIVE])), 6),
            "sensitivity": fraction_true(predicted[truth]),
            "specificity": fraction_true(~predicted[~truth]),
        }

    def describe(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """The example is a row of the hold-out."""
        row = map(float, split.holdout_rows[0])
        return {
            "task": TabularHandler.task,
            "input_schema": input_schema(dataset),
            "example": {"model": self.name, "features": dict(zip(dataset.features, row, strict=True))},
            "reference": build_reference(dataset.features, split.train_rows),
            "translations": {"ko": KOREAN},
        }


def input_schema(dataset: Dataset) -> dict[str, Any]:
    """JSON Schema (2020-12) of a predict body: requires every feature, and allows other members beside `features`."""
    number = {"type": "number", "minimum": MINIMUM, "maximum": MAXIMUM}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["features"],
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string"},
            "features": {
                "type": "object",
                "required": list(dataset.features),
                "additionalProperties": False,
                "properties": dict.fromkeys(dataset.features, number),
            },
        },
    }
