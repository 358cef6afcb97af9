"""The base class of all handlers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ml_server.onnx_session import DEFAULT_OUTPUT, FloatArray, OnnxSession, Tensor
from ml_server.validation import SchemaValidator

MAX_PREDICTIONS = 5
CONFIDENCE_DIGITS = 6  # a 32-bit float holds no more

Body = Mapping[str, Any]
Metadata = Mapping[str, Any]
Predictions = list[dict[str, Any]]


class Handler(ABC):
    """Turns a request into predictions for one model version. Immutable after `load`, so any thread may call it."""

    task: ClassVar[str]

    def load(self, onnx: bytes, metadata: Metadata) -> None:
        """Loads the version's ONNX file and metadata.

        Raises:
            InvalidModel: ONNX Runtime can't load the file.
            Exception: of any class, if the metadata is incomplete.
        """
        output = metadata.get("output", {})
        name = output.get("name", DEFAULT_OUTPUT)
        self._session = OnnxSession(onnx, name, returns_logits=output.get("holds") == "logits")
        self._classes = [str(label) for label in metadata["classes"]]
        self._validator = SchemaValidator(metadata["input_schema"])

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider."""
        return self._session.provider

    @abstractmethod
    def preprocess(self, body: Body) -> Tensor:
        """Turns a predict body into a batch of one.

        Raises:
            Unprocessable: some fields are invalid; lists them.
        """

    def predict(self, batch: FloatArray) -> Tensor:
        """Returns the probability of each class for each member of the batch: (n, …) to (n, classes)."""
        return self._session.probabilities(batch)

    def postprocess(self, probabilities: Tensor) -> Predictions:
        """Turns one row of probabilities, shape (classes,), into at most five labels, most confident first."""
        best = np.argsort(-probabilities, kind="stable")[:MAX_PREDICTIONS]
        return [
            {"label": self._classes[index], "confidence": round(float(probabilities[index]), CONFIDENCE_DIGITS)}
            for index in best
        ]

    def handle(self, body: Body) -> Predictions:
        """Runs all steps. Returns at most five of `{"label", "confidence"}`, most confident first, from 0 to 1.

        Raises:
            Unprocessable: see `preprocess`.
        """
        return self.postprocess(self.predict(self.preprocess(body))[0])
