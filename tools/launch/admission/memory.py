"""A budget of bytes for the bodies in memory."""

import threading
import time

from common.conf import settings
from common.exceptions import Busy


class Budget:
    """Bytes that requests take and give back."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._change = threading.Condition()

    def take(self, size: int) -> None:
        """Takes bytes; waits for at most QUEUE_SECONDS. Raises `Busy`."""
        ends_at = time.monotonic() + settings.QUEUE_SECONDS
        with self._change:
            while self._left < size:
                if not self._change.wait(ends_at - time.monotonic()) and self._left < size:
                    raise Busy("The gateway holds too many large bodies. Nothing was done; try again soon.")
            self._left -= size

    def give(self, size: int) -> None:
        """Gives bytes back."""
        with self._change:
            self._left += size
            self._change.notify_all()
