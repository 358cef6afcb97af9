"""Checks on any host whether beat runs: beat sets a key in Redis, which expires unless beat sets it again.

Only Redis measures the time, so no host's clock matters.
"""

from common import broker

KEY = "beat.alive"
TICK_SECONDS = 5  # how often beat sets the key
SILENT_SECONDS = 60  # how long the key lives: longer than beat waits for a Redis that hangs


class NoBeat(Exception):
    """Beat does not run, or is stuck; the text says what follows from that."""


def tick() -> None:
    """Sets the key. Raises `BrokerUnavailable`."""
    with broker.client() as redis:
        redis.set(KEY, 1, ex=SILENT_SECONDS)


def check() -> None:
    """Raises `NoBeat` if beat has not ticked for `SILENT_SECONDS`, or `BrokerUnavailable`."""
    with broker.client() as redis:
        if not redis.exists(KEY):
            raise NoBeat(f"Beat has not run for {SILENT_SECONDS} s: no periodic task is sent until it is started.")
