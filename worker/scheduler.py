"""Beat's scheduler: Celery's own, except that a wrong clock does not stop it, and that `/readyz` sees it run.

https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#using-custom-scheduler-classes
"""

import logging
import time
from typing import Any

from celery.beat import PersistentScheduler

from common import beat_liveness
from common.broker import BrokerUnavailable

log = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):
    """Runs an entry after its interval, even if the clock was ahead when the entry last ran."""

    max_interval = beat_liveness.TICK_SECONDS  # seconds between two ticks at most
    _report_at = 0.0  # time.monotonic() seconds

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Sends the entry that is due, if any. Returns the seconds until the next tick."""
        self._report()
        self._correct_last_runs()
        return super().tick(*args, **kwargs)

    def _report(self) -> None:
        if time.monotonic() >= self._report_at:
            self._report_at = time.monotonic() + beat_liveness.TICK_SECONDS
            try:
                beat_liveness.tick()
            except BrokerUnavailable as exc:
                log.warning("beat can't report that it runs: %s", exc)

    def _correct_last_runs(self) -> None:
        """Moves last runs that lie ahead to now. They come from a clock that was wrong, or from the schedule's file."""
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            log.warning("the last run of %s lies ahead, at %s, and counts as now", entry.name, entry.last_run_at)
            entry.last_run_at = now
        if ahead:
            self._heap = None  # it orders the entries by times that the wrong clock gave
