"""One version of a model: its metadata and the handler of its task."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ml_server.exceptions import InvalidModel
from ml_server.handlers import HandlerFactories
from ml_server.handlers.handler import Body, Handler, Metadata, Predictions

REQUIRED = ("name", "version", "task", "input_schema", "example", "classes", "metrics", "trained_at", "lineage")
OPTIONAL = ("licence", "preprocessing", "reference", "translations")


class ModelVersion:
    """Answers predict requests. Immutable, so any number of threads may call it."""

    def __init__(self, onnx: bytes, metadata: Metadata, handlers: HandlerFactories) -> None:
        """Loads a version and predicts its example.

        Raises:
            InvalidModel: the file's digest differs from the metadata's, or the example's prediction fails.
        """
        if hashlib.sha256(onnx).hexdigest() != metadata.get("onnx_sha256"):
            raise InvalidModel("the ONNX file differs from onnx_sha256 in its metadata")
        if metadata.get("task") not in handlers:
            raise InvalidModel(f"its task must be one of {', '.join(handlers)}")
        try:
            self._read_metadata(metadata)
            self.handler = self._load_handler(onnx, metadata, handlers)
        except InvalidModel:
            raise
        except Exception as exc:
            raise InvalidModel(f"its metadata is invalid ({type(exc).__name__}: {exc})"[:300]) from exc
        # Part of every prediction; built once, never changed.
        self.identity = {"name": self.name, "version": self.version}
        self.can_batch = self.handler.can_batch(metadata["example"])

    def predict(self, body: Body) -> Predictions:
        """Returns at most five of `{"label", "confidence"}`, most confident first, confidences from 0 to 1.

        Raises:
            Unprocessable: the body does not match the published schema.
        """
        return self.handler.handle(body)

    def predict_together(self, bodies: Sequence[Body]) -> list[Predictions]:
        """Returns what `predict` returns, for many bodies that `handler.is_valid` accepts. Only if `can_batch`."""
        return self.handler.handle_together(bodies)

    def _read_metadata(self, metadata: Metadata) -> None:
        self.name, self.version = str(metadata["name"]), str(metadata["version"])
        # What model-info publishes.
        self.metadata: dict[str, Any] = {key: metadata[key] for key in REQUIRED} | {
            key: metadata[key] for key in OPTIONAL if key in metadata
        }
        # Digests of the training rows, or None if they are unknown.
        self.train_digests = frozenset(metadata["seen"].split()) if "seen" in metadata else None

    def _load_handler(self, onnx: bytes, metadata: Metadata, handlers: HandlerFactories) -> Handler:
        handler = handlers[metadata["task"]]()
        handler.load(onnx, metadata)
        probabilities = handler.predict(handler.preprocess(metadata["example"]))
        if probabilities.shape != (1, len(metadata["classes"])) or not np.isfinite(probabilities).all():
            raise InvalidModel("its output is not one finite number for each class")
        return handler
