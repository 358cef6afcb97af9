"""What an operator asks: since when, how many, how fast."""

from collections import deque
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

RECENT = 1000  # predictions that the quantiles are of
QUANTILES = (0.5, 0.95, 0.99)


class Stats:
    """Counts since the start. Any thread may add."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._lock = Lock()
        self._requests = 0
        self._recent: deque[float] = deque(maxlen=RECENT)

    def add_request(self) -> None:
        """One more request, of any kind and outcome."""
        with self._lock:
            self._requests += 1

    def add_prediction(self, seconds: float) -> None:
        """One more answered prediction that took `seconds`."""
        with self._lock:
            self._recent.append(seconds)

    def as_json(self) -> dict[str, Any]:
        """`uptime_s`, `requests`, and `latency_ms` of the latest thousand predictions, empty before the first."""
        with self._lock:
            requests, recent = self._requests, list(self._recent)
        spread: Any = np.quantile(recent, QUANTILES) * 1000 if recent else []
        return {
            "uptime_s": round(monotonic() - self._started, 3),
            "requests": requests,
            "latency_ms": {
                f"p{share * 100:.0f}": round(float(ms), 3) for share, ms in zip(QUANTILES, spread, strict=False)
            },
        }
