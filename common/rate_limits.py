"""Limits of requests per caller, counted in memory that all gateway processes of a host share.

Each caller has one number per limit: the time at which the caller would be back at zero (the "theoretical arrival time"
of the generic cell rate algorithm, ITU-T I.371). A request moves it on by the limit's interval. If it would lie further
ahead than the limit's period, the request is refused. So a caller may use a whole period's requests at once, and then
gets the average rate.

The numbers lie in a fixed table; a keyed hash of limit and caller chooses the place. Two callers in one place share a
limit: with 100 active callers, one in 2,600 has to. Processes do not lock each other: two requests at the same instant
may count as one. A limit is a protection, not a bill.
"""

import logging
import mmap
import os
import struct
import time
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import ceil
from pathlib import Path

from common.conf import settings
from common.exceptions import TooManyRequests

log = logging.getLogger(__name__)

SLOTS = 2**18
SECONDS = struct.Struct("d")


@dataclass(frozen=True)
class RateLimit:
    """So many requests in so many seconds."""

    requests: int
    seconds: float

    @property
    def interval(self) -> float:
        """Seconds for one request on average."""
        return self.seconds / self.requests

    def __str__(self) -> str:
        return f"{self.requests} requests in {self.seconds:g} s"


class SharedTimes:
    """A table of times in a file that processes of this host map into their memory.

    If there is no room for the file, the table is this process's own.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._times = _mapped(path)
        except OSError as exc:
            log.error("each process counts for itself for RATE_LIMITS, since METRICS_DIR fails: %s", exc.strerror)
            self._times = mmap.mmap(-1, SLOTS * SECONDS.size)

    def spend(self, slot: int, limit: RateLimit, now: float) -> float:
        """Counts one request at `now` (`time.monotonic()` seconds). Returns the seconds to wait; 0 if it may pass."""
        place = slot * SECONDS.size
        busy_until: float = SECONDS.unpack_from(self._times, place)[0]
        if not now < busy_until <= now + limit.seconds:  # idle, or left over from before the machine's last start
            busy_until = now
        ahead = busy_until + limit.interval - now - limit.seconds
        if ahead > limit.interval / 1000:  # rounding
            return ahead
        SECONDS.pack_into(self._times, place, busy_until + limit.interval)
        return 0.0


def spend(scope: str, caller: str) -> None:
    """Counts one request of a caller (a name or an address). Raises `TooManyRequests` with `Retry-After`.

    Does nothing if RATE_LIMITS has no limit for the scope.
    """
    limit: RateLimit | None = settings.RATE_LIMITS.get(scope)
    if limit is None:
        return
    wait = _times(settings.METRICS_DIR).spend(_slot(scope, caller, settings.SECRET_KEY), limit, time.monotonic())
    if wait:
        raise TooManyRequests(
            f"This caller may send {limit} to {scope}. Try again later, or ask for a higher RATE_LIMITS.",
            headers={"Retry-After": str(ceil(wait))},
        )


def _mapped(path: Path) -> mmap.mmap:
    """The table in this file, allocated before use as `process_metrics.FILE_BYTES` are. Raises `OSError`."""
    with open(path, "a+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(bytes(max(SLOTS * SECONDS.size - file.tell(), 0)))
        file.flush()
        return mmap.mmap(file.fileno(), SLOTS * SECONDS.size)


@lru_cache(maxsize=4)
def _times(folder: Path) -> SharedTimes:
    return SharedTimes(folder / "rate-limits")


@lru_cache(maxsize=4096)
def _slot(scope: str, caller: str, key: str) -> int:
    """Keyed, so that nobody can choose a name or an address that shares the place of another caller."""
    secret = blake2b(key.encode(), digest_size=32).digest()
    digest = blake2b(f"{scope} {caller}".encode(), key=secret, digest_size=8).digest()
    return int.from_bytes(digest, "big") % SLOTS
