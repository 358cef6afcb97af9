"""One version of a model: load, preprocess, run, postprocess."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_server.checking import Checker
from ml_server.dataset import Rows
from ml_server.exceptions import BrokenModel
from ml_server.network import Network

PUBLISHED = ("name", "version", "task", "input_schema", "example", "classes", "metrics", "trained_at", "lineage")
MOST_PREDICTIONS = 5
DIGITS = 6  # of a confidence; a 32-bit float holds no more


class Model:
    """Answers predict bodies. Never changes, so that any number of threads may call it."""

    def __init__(self, onnx: bytes, card: Mapping[str, Any]) -> None:
        """Loads and tries a version.

        Raises:
            BrokenModel: the file is not the one the card speaks of, or does not answer the card's own example.
        """
        if hashlib.sha256(onnx).hexdigest() != card.get("onnx_sha256"):
            raise BrokenModel("the ONNX file is not the one that was saved")
        self._network = Network(onnx)
        try:
            self._describe(card)
            self.predict(card["example"])
        except Exception as exc:
            raise BrokenModel(f"its metadata can't be used ({type(exc).__name__})") from exc

    def _describe(self, card: Mapping[str, Any]) -> None:
        self.name, self.version = str(card["name"]), str(card["version"])
        self.card = {key: card[key] for key in PUBLISHED}
        self._classes = [str(label) for label in card["classes"]]
        self._checker = Checker(card["input_schema"])
        features = card["input_schema"]["properties"]["features"]["properties"]
        self._bounds = {name: (rule["minimum"], rule["maximum"]) for name, rule in features.items()}

    @property
    def label(self) -> dict[str, str]:
        """Name and version, as every answer carries them."""
        return {"name": self.name, "version": self.version}

    def predict(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """At most five of `{"label", "confidence"}`, surest first, confidences from 0 to 1.

        Raises:
            Unprocessable: the features don't fit the published schema.
        """
        return self.postprocess(self._network.probabilities(self.preprocess(body))[0])

    def preprocess(self, body: Mapping[str, Any]) -> Rows:
        """The features in the network's order, shape (1, features)."""
        if not self.fits(body):
            self._checker.check(body)
        return np.array([[body["features"][name] for name in self._bounds]], dtype=np.float32)

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Whether the schema would accept `body`, as far as a quick look tells: 5 µs, where jsonschema takes 300."""
        features = body.get("features")
        return (
            isinstance(body.get("model", ""), str)
            and isinstance(features, dict)
            and features.keys() == self._bounds.keys()
            and all(
                type(features[name]) in {int, float} and least <= features[name] <= most
                for name, (least, most) in self._bounds.items()
            )
        )

    def postprocess(self, probabilities: NDArray[np.float32]) -> list[dict[str, Any]]:
        """From one row's probabilities, shape (classes,), to labels."""
        surest = np.argsort(-probabilities, kind="stable")[:MOST_PREDICTIONS]
        return [
            {"label": self._classes[place], "confidence": round(float(probabilities[place]), DIGITS)}
            for place in surest
        ]
