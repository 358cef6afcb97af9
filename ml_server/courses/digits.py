"""Handwritten digits, 1,797 pictures of 8 by 8 pixels, bright on dark."""

import base64
from collections.abc import Generator
from io import BytesIO
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_server.courses.course import Course, in_passes
from ml_server.dataset import DataSet, Split
from ml_server.handlers.image import INPUT_SCHEMA, ImageHandler
from ml_server.images.preparation import Preparation
from ml_server.network import OUTPUT, Numbers
from ml_server.pace import Pace, Progress
from ml_server.params import Params

SIDE = 8
INKS = 16  # the data set's own levels of brightness
HIDDEN = 128
BATCH = 50
PREPROCESSING = {
    "channels": "L",
    "resize": SIDE,
    "crop": SIDE,
    "interpolation": "bilinear",
    "mean": [0.3],  # about those of all its pixels
    "std": [0.38],
}
OPSET, IR = 17, 8  # of 2022: what any ONNX Runtime since 1.12 reads


class HandwrittenDigits(Course):
    """A network of one hidden layer, 0 to 9."""

    name = "handwritten-digits"
    method = f"multilayer perceptron, {HIDDEN} hidden units, Adam"

    def load(self) -> DataSet:
        """Optical recognition of handwritten digits (Alpaydin, Kaynak, 1998), the test part, as scikit-learn ships it.

        The rows are what the model's own preprocessing makes of the pictures.
        """
        source = load_digits()
        preparation = Preparation.of(PREPROCESSING)
        return DataSet(
            name="Optical Recognition of Handwritten Digits",
            source="sklearn.datasets.load_digits",
            licence="CC-BY-4.0",
            features=(),
            classes=tuple(str(name) for name in source.target_names),
            rows=np.concatenate([preparation.tensor(_picture(inks)) for inks in source.images / INKS]),
            labels=source.target,
        )

    def fit(self, parts: Split, params: Params, pace: Pace) -> Generator[Progress, None, Pipeline]:
        """`params.C` is the inverse strength of the L2 penalty, which scikit-learn divides by the size of a batch."""
        classifier = MLPClassifier(
            (HIDDEN,),
            alpha=BATCH / (params.C * len(parts.train_rows)),
            batch_size=BATCH,
            shuffle=False,
            random_state=params.seed,
        )
        yield from in_passes(classifier, _flat(parts.train_rows), parts.train_labels, params, pace)
        return Pipeline([("flatten", FunctionTransformer(_flat)), ("classify", classifier)])

    def export(self, estimator: Any) -> bytes:
        """Written node by node: from a picture's own shape, where skl2onnx would want a row."""
        classifier = estimator["classify"]
        layers = zip(classifier.coefs_, classifier.intercepts_, strict=True)
        weights = {
            f"{kind}{place}": array for place, pair in enumerate(layers) for kind, array in zip("wb", pair, strict=True)
        }
        nodes = [
            helper.make_node("Flatten", ["image"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "w0", "b0"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "w1", "b1"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [OUTPUT]),
        ]
        tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
        inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])]
        outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", len(classifier.classes_)])]
        graph = helper.make_graph(nodes, self.name, inputs, outputs, tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        checker.check_model(model, full_check=True)
        onnx: bytes = model.SerializeToString()
        return onnx

    def describe(self, data: DataSet, parts: Split) -> dict[str, Any]:
        """The example is a picture of the hold-out."""
        return {
            "task": ImageHandler.task,
            "input_schema": INPUT_SCHEMA,
            "example": {"model": self.name, "image": _as_base64(_unprepared(parts.holdout_rows[0, 0]))},
            "preprocessing": PREPROCESSING,
        }


def _picture(shares: Numbers) -> Image.Image:
    return Image.fromarray(np.round(shares * 255).astype(np.uint8))


def _unprepared(row: Numbers) -> Image.Image:
    preparation = Preparation.of(PREPROCESSING)
    return _picture(row * preparation.std[0] + preparation.mean[0])


def _as_base64(picture: Image.Image) -> str:
    file = BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _flat(rows: Numbers) -> Numbers:
    return rows.reshape(len(rows), -1)
