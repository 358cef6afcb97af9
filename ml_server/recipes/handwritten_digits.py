"""Handwritten digits: 1,797 images of 8 by 8 pixels, bright on dark."""

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

from ml_server.dataset import Dataset, Split
from ml_server.handlers.image import INPUT_SCHEMA, ImageHandler
from ml_server.images.preprocessing import Preprocessing
from ml_server.onnx_session import DEFAULT_OUTPUT, FloatArray
from ml_server.params import Params
from ml_server.progress import Progress, ProgressTracker
from ml_server.recipes.recipe import Recipe, fit_epochs

SIDE = 8
MAX_BRIGHTNESS = 16  # in the dataset
HIDDEN_UNITS = 128
BATCH_SIZE = 50
PREPROCESSING = {
    "channels": "L",
    "resize": SIDE,
    "crop": SIDE,
    "interpolation": "bilinear",
    "mean": [0.3],  # approximately those of all pixels
    "std": [0.38],
}
KOREAN = {"image": "사진"}
OPSET_VERSION, IR_VERSION = 17, 8  # of 2022; every ONNX Runtime since 1.12 reads them


class HandwrittenDigits(Recipe):
    """A multilayer perceptron with one hidden layer: 0 to 9."""

    name = "handwritten-digits"
    method = f"multilayer perceptron, {HIDDEN_UNITS} hidden units, Adam"

    def load_dataset(self) -> Dataset:
        """The test set of Optical Recognition of Handwritten Digits (Alpaydin, Kaynak, 1998), from scikit-learn.

        The rows are the images after the model's own preprocessing.
        """
        source = load_digits()
        preprocessing = Preprocessing.from_metadata(PREPROCESSING)
        images = source.images / MAX_BRIGHTNESS
        return Dataset(
            name="Optical Recognition of Handwritten Digits",
            source="sklearn.datasets.load_digits",
            licence="CC-BY-4.0",
            features=(),
            classes=tuple(str(name) for name in source.target_names),
            rows=np.concatenate([preprocessing.to_tensor(_to_image(pixels)) for pixels in images]),
            labels=source.target,
        )

    def fit(self, split: Split, params: Params, tracker: ProgressTracker) -> Generator[Progress, None, Pipeline]:
        """Fits the network. `params.C` is the inverse strength of the L2 penalty."""
        classifier = MLPClassifier(
            (HIDDEN_UNITS,),
            alpha=BATCH_SIZE / (params.C * len(split.train_rows)),  # scikit-learn divides it by the batch size
            batch_size=BATCH_SIZE,
            shuffle=False,
            random_state=params.seed,
        )
        yield from fit_epochs(classifier, _flatten(split.train_rows), split.train_labels, params, tracker)
        return Pipeline([("flatten", FunctionTransformer(_flatten)), ("classify", classifier)])

    def export_onnx(self, estimator: Any) -> bytes:
        """Builds the ONNX graph node by node, because its input is an image. skl2onnx would require a flat row."""
        classifier = estimator["classify"]
        layers = zip(classifier.coefs_, classifier.intercepts_, strict=True)
        weights = {
            f"{kind}{index}": array for index, pair in enumerate(layers) for kind, array in zip("wb", pair, strict=True)
        }
        nodes = [
            helper.make_node("Flatten", ["image"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "w0", "b0"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "w1", "b1"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [DEFAULT_OUTPUT]),
        ]
        tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
        inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])]
        shape: list[str | int] = ["n", len(classifier.classes_)]
        outputs = [helper.make_tensor_value_info(DEFAULT_OUTPUT, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(nodes, self.name, inputs, outputs, tensors)
        opset_imports = [helper.make_opsetid("", OPSET_VERSION)]
        model = helper.make_model(graph, opset_imports=opset_imports, ir_version=IR_VERSION)
        checker.check_model(model, full_check=True)
        onnx: bytes = model.SerializeToString()
        return onnx

    def describe(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """The example is an image of the hold-out."""
        return {
            "task": ImageHandler.task,
            "input_schema": INPUT_SCHEMA,
            "example": {"model": self.name, "image": _to_base64(_undo_preprocessing(split.holdout_rows[0, 0]))},
            "preprocessing": PREPROCESSING,
            "translations": {"ko": KOREAN},
        }


def _to_image(pixels: FloatArray) -> Image.Image:
    """`pixels`: brightness from 0 to 1, shape (height, width)."""
    return Image.fromarray(np.round(pixels * 255).astype(np.uint8))


def _undo_preprocessing(row: FloatArray) -> Image.Image:
    preprocessing = Preprocessing.from_metadata(PREPROCESSING)
    return _to_image(row * preprocessing.std[0] + preprocessing.mean[0])


def _to_base64(image: Image.Image) -> str:
    file = BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _flatten(rows: FloatArray) -> FloatArray:
    return rows.reshape(len(rows), -1)
