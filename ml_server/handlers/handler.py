"""The base class of all handlers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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

    def can_batch(self, example: Body) -> bool:
        """Whether `handle_together` may be used. `example` is a valid body."""
        return False

    def is_valid(self, body: Body) -> bool:
        """Whether `handle_together` takes this body."""
        return False

    @abstractmethod
    def preprocess(self, body: Body) -> Tensor:
        """Turns a predict body into a batch of one.

        Raises:
            Unprocessable: some fields are invalid; lists them.
        """

    def preprocess_together(self, bodies: Sequence[Body]) -> Tensor:
        """Turns n valid bodies into a batch of n."""
        return np.concatenate([self.preprocess(body) for body in bodies])

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

    def handle_together(self, bodies: Sequence[Body]) -> list[Predictions]:
        """Runs all steps for valid bodies, with one call of the model. Returns the same as `handle` for each."""
        return [self.postprocess(each) for each in self.predict(self.preprocess_together(bodies))]
