"""Statistics for operators: uptime, number of requests, latencies."""

from collections import defaultdict, deque
from collections.abc import Sequence
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

WINDOW = 1000  # predictions from which the quantiles are computed
QUANTILES = (0.5, 0.95, 0.99)


class Stats:
    """Counts since the start. Thread-safe."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._lock = Lock()
        self._requests = 0
        self._recent: deque[tuple[str, float]] = deque(maxlen=WINDOW)
        self._counts: dict[str, int] = defaultdict(int)
        self._batches = self._batched = self._largest = 0

    def add_request(self) -> None:
        """Counts a request of any kind and outcome."""
        with self._lock:
            self._requests += 1

    def add_prediction(self, model: str, seconds: float) -> None:
        """Counts a prediction by `model` that took `seconds`."""
        with self._lock:
            self._recent.append((model, seconds))
            self._counts[model] += 1

    def add_batch(self, model: str, size: int, seconds: float) -> None:
        """Counts `size` requests for predictions by `model` that were computed together and took `seconds`."""
        with self._lock:
            self._requests += size
            self._recent.extend([(model, seconds)] * size)
            self._counts[model] += size
            self._batches += size > 1
            self._batched += size if size > 1 else 0
            self._largest = max(self._largest, size)

    def as_json(self) -> dict[str, Any]:
        """`uptime_s`, `requests`, and `latency_ms` of the latest thousand predictions, empty before the first.

        `batching` counts batches of two or more, the predictions in them, and the largest batch.
        """
        with self._lock:
            requests, recent = self._requests, [seconds for _, seconds in self._recent]
            batching = {"batches": self._batches, "predictions": self._batched, "largest": self._largest}
        return {
            "uptime_s": round(monotonic() - self._started, 3),
            "requests": requests,
            "latency_ms": _quantiles(recent),
            "batching": batching,
        }

    def of_model(self, model: str) -> dict[str, Any]:
        """One model's `predictions`, and `latency_ms` of its predictions among the latest thousand."""
        with self._lock:
            count, recent = self._counts.get(model, 0), [seconds for name, seconds in self._recent if name == model]
        return {"predictions": count, "latency_ms": _quantiles(recent)}


def _quantiles(recent: Sequence[float]) -> dict[str, float]:
    quantiles: Any = np.quantile(recent, QUANTILES) * 1000 if recent else []
    return {f"p{quantile * 100:.0f}": round(float(ms), 3) for quantile, ms in zip(QUANTILES, quantiles, strict=False)}
