"""What every handler is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ml_server.checking import Checker
from ml_server.network import OUTPUT, Network, Numbers, Tensor

MOST_PREDICTIONS = 5
DIGITS = 6  # of a confidence; a 32-bit float holds no more

Body = Mapping[str, Any]
Card = Mapping[str, Any]
Predictions = list[dict[str, Any]]


class Handler(ABC):
    """One version's way from a request to an answer. Once loaded it never changes: any thread may call it."""

    task: ClassVar[str]

    def load(self, onnx: bytes, card: Card) -> None:
        """Takes what it needs from the version's two files.

        Raises:
            BrokenModel: ONNX Runtime refuses the file.
            Exception: of any kind, where the card lacks something.
        """
        output = card.get("output", {})
        self._network = Network(onnx, output.get("name", OUTPUT), holds_logits=output.get("holds") == "logits")
        self._classes = [str(label) for label in card["classes"]]
        self._checker = Checker(card["input_schema"])

    @property
    def provider(self) -> str:
        """What computes."""
        return self._network.provider

    @abstractmethod
    def preprocess(self, body: Body) -> Tensor:
        """From a predict body to a batch of one.

        Raises:
            Unprocessable: with the fields that can't be used.
        """

    def predict(self, batch: Numbers) -> Tensor:
        """The probability of each class for each member of the batch: (n, …) to (n, classes)."""
        return self._network.probabilities(batch)

    def postprocess(self, probabilities: Tensor) -> Predictions:
        """From one member's probabilities, shape (classes,), to at most five labels, surest first."""
        surest = np.argsort(-probabilities, kind="stable")[:MOST_PREDICTIONS]
        return [
            {"label": self._classes[place], "confidence": round(float(probabilities[place]), DIGITS)}
            for place in surest
        ]

    def handle(self, body: Body) -> Predictions:
        """All of it: at most five of `{"label", "confidence"}`, surest first, confidences from 0 to 1.

        Raises:
            Unprocessable: see `preprocess`.
        """
        return self.postprocess(self.predict(self.preprocess(body))[0])
