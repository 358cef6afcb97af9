"""Fine-needle biopsies of the breast, 569 of them, with what the pathologist found."""

from collections.abc import Generator
from typing import Any

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ml_server.courses.course import Course, in_passes, share
from ml_server.dataset import DataSet, Split
from ml_server.handlers.tabular import TabularHandler
from ml_server.network import Tensor
from ml_server.pace import Pace, Progress
from ml_server.params import Params

POSITIVE = 0  # malignant: what sensitivity is about
# No biopsy measures less than nothing; and what is beyond the other bound would not fit the network's 32-bit floats.
LEAST, MOST = 0.0, 1e6


class Biopsies(Course):
    """Logistic regression, malignant or benign."""

    name = "breast-cancer-wisconsin"
    method = "logistic regression on standardised features, stochastic gradient descent"

    def load(self) -> DataSet:
        """Wisconsin diagnostic breast cancer (Wolberg, Mangasarian, Street, 1995), as scikit-learn ships it."""
        source = load_breast_cancer()
        return DataSet(
            name="Breast Cancer Wisconsin (Diagnostic)",
            source="sklearn.datasets.load_breast_cancer",
            licence="CC-BY-4.0",
            features=tuple(str(name).replace(" ", "_") for name in source.feature_names),
            classes=tuple(str(name) for name in source.target_names),
            rows=source.data,
            labels=source.target,
        )

    def fit(self, parts: Split, params: Params, pace: Pace) -> Generator[Progress, None, Pipeline]:
        """`params.C` is the inverse strength of the L2 penalty."""
        scaler = StandardScaler().fit(parts.train_rows)
        rows = scaler.transform(parts.train_rows)
        alpha = 1 / (params.C * len(rows))
        classifier = SGDClassifier(loss="log_loss", alpha=alpha, shuffle=False, random_state=params.seed)
        yield from in_passes(classifier, rows, parts.train_labels, params, pace)
        return Pipeline([("scale", scaler), ("classify", classifier)])

    def export(self, estimator: Any) -> bytes:
        """As skl2onnx writes it."""
        inputs = [("features", FloatTensorType([None, estimator.n_features_in_]))]
        exported: Any = to_onnx(estimator, initial_types=inputs, options={"zipmap": False})
        onnx: bytes = exported.SerializeToString()
        return onnx

    def measure(self, probabilities: Tensor, parts: Split) -> dict[str, float]:
        """Sensitivity is the share of malignant rows found, specificity that of benign ones."""
        truth, found = parts.holdout_labels == POSITIVE, probabilities.argmax(axis=1) == POSITIVE
        return {
            **super().measure(probabilities, parts),
            "roc_auc": round(float(roc_auc_score(truth, probabilities[:, POSITIVE])), 6),
            "sensitivity": share(found[truth]),
            "specificity": share(~found[~truth]),
        }

    def describe(self, data: DataSet, parts: Split) -> dict[str, Any]:
        """The example is a row of the hold-out."""
        row = map(float, parts.holdout_rows[0])
        return {
            "task": TabularHandler.task,
            "input_schema": input_schema(data),
            "example": {"model": self.name, "features": dict(zip(data.features, row, strict=True))},
        }


def input_schema(data: DataSet) -> dict[str, Any]:
    """JSON Schema (2020-12) of a predict body: every feature by name, other members beside `features` welcome."""
    number = {"type": "number", "minimum": LEAST, "maximum": MOST}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["features"],
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string"},
            "features": {
                "type": "object",
                "required": list(data.features),
                "additionalProperties": False,
                "properties": dict.fromkeys(data.features, number),
            },
        },
    }
