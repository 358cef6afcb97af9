"""Bounds what strangers can write into the access log.

Whoever is not known can call as often as the network allows. With an entry for each call they could fill the disk, and
the journal with it. So a process notes a few per second, and the next entry says how many there were besides.
"""

import threading
import time

UNKNOWN = "(unknown)"  # no account can have this name
PER_SECOND = 5
BURST = 20


class UnknownCallers:
    """Counts failures of unknown callers in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens, self._at, self._left_out = float(BURST), time.monotonic(), 0

    def reason(self, reason: str) -> str | None:
        """The reason to note, with the number of failures that were left out before; None to leave this one out too."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._at) * PER_SECOND)
            self._at = now
            if self._tokens < 1:
                self._left_out += 1
                return None
            self._tokens -= 1
            left_out, self._left_out = self._left_out, 0
        return f"{reason}; {left_out} more before were not noted one by one" if left_out else reason
