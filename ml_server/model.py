"""One version of a model: its card, and the handler of its task."""

import hashlib
from typing import Any

import numpy as np

from ml_server.exceptions import BrokenModel
from ml_server.handlers import Handlers
from ml_server.handlers.handler import Body, Card, Handler, Predictions

NEEDED = ("name", "version", "task", "input_schema", "example", "classes", "metrics", "trained_at", "lineage")
PUBLISHED = (*NEEDED, "licence", "preprocessing")


class Model:
    """Answers predict bodies. Never changes, so that any number of threads may call it."""

    def __init__(self, onnx: bytes, card: Card, handlers: Handlers) -> None:
        """Loads and tries a version.

        Raises:
            BrokenModel: the file is not the one the card speaks of, or does not answer the card's own example.
        """
        if hashlib.sha256(onnx).hexdigest() != card.get("onnx_sha256"):
            raise BrokenModel("the ONNX file is not the one that was saved")
        if card.get("task") not in handlers:
            raise BrokenModel(f"its task is none of {', '.join(handlers)}")
        try:
            self._describe(card)
            self.handler = self._loaded(onnx, card, handlers)
        except BrokenModel:
            raise
        except Exception as exc:
            raise BrokenModel(f"its metadata can't be used ({type(exc).__name__}: {exc})"[:300]) from exc
        # What every answer carries; made once, never changed.
        self.label = {"name": self.name, "version": self.version}

    def predict(self, body: Body) -> Predictions:
        """At most five of `{"label", "confidence"}`, surest first, confidences from 0 to 1.

        Raises:
            Unprocessable: the body doesn't fit the published schema.
        """
        return self.handler.handle(body)

    def _describe(self, card: Card) -> None:
        self.name, self.version = str(card["name"]), str(card["version"])
        self.card: dict[str, Any] = {key: card[key] for key in NEEDED} | {
            key: card[key] for key in PUBLISHED if key in card
        }
        # Digests of the rows that it was trained on, where that is known.
        self.seen = frozenset(card["seen"].split()) if "seen" in card else None

    def _loaded(self, onnx: bytes, card: Card, handlers: Handlers) -> Handler:
        handler = handlers[card["task"]]()
        handler.load(onnx, card)
        answer = handler.predict(handler.preprocess(card["example"]))
        if answer.shape != (1, len(card["classes"])) or not np.isfinite(answer).all():
            raise BrokenModel("it does not give a number for each class")
        return handler
