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

    def add_request(self) -> None:
        """Counts a request of any kind and outcome."""
        with self._lock:
            self._requests += 1

    def add_prediction(self, model: str, seconds: float) -> None:
        """Counts a prediction by `model` that took `seconds`."""
        with self._lock:
            self._recent.append((model, seconds))
            self._counts[model] += 1

    def as_json(self) -> dict[str, Any]:
        """`uptime_s`, `requests`, and `latency_ms` of the latest thousand predictions, empty before the first."""
        with self._lock:
            requests, recent = self._requests, [seconds for _, seconds in self._recent]
        return {
            "uptime_s": round(monotonic() - self._started, 3),
            "requests": requests,
            "latency_ms": _quantiles(recent),
        }

    def of_model(self, model: str) -> dict[str, Any]:
        """One model's `predictions`, and `latency_ms` of its predictions among the latest thousand."""
        with self._lock:
            count, recent = self._counts.get(model, 0), [seconds for name, seconds in self._recent if name == model]
        return {"predictions": count, "latency_ms": _quantiles(recent)}


def _quantiles(recent: Sequence[float]) -> dict[str, float]:
    quantiles: Any = np.quantile(recent, QUANTILES) * 1000 if recent else []
    return {f"p{quantile * 100:.0f}": round(float(ms), 3) for quantile, ms in zip(QUANTILES, quantiles, strict=False)}
