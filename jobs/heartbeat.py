"""The heartbeat of a running job: renews its lease, stores its progress, and stops the run if it must end.

The heartbeat uses its own thread and database connection, so the run itself may block for as long as its work takes.
If the database is unavailable, the next beat tries again.
"""

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from enum import Enum, auto
from typing import Self

from django.conf import settings
from django.db import Error, connection, connections

from jobs.leases import lease_conditions, lease_expiry
from jobs.models import Job

log = logging.getLogger(__name__)

ProgressCallback = Callable[[int, str], None]


class Stop(Enum):
    """Why a run must end early."""

    CANCELLED = auto()
    VOID = auto()  # another process took the job over, or ended it


class Heartbeat:
    """Beats while the block runs. The run sets `progress` to a percentage and a message."""

    def __init__(self, job: Job, on_progress: ProgressCallback | None = None) -> None:
        """`on_progress` is called when the progress changed, at most once per beat; it may raise database errors."""
        self.progress = (0, job.message)
        self.stop: Stop | None = None
        self._job = job
        self._on_progress = on_progress
        self._reported = self.progress
        self._stopped = threading.Event()
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._stop_callbacks: list[Callable[[], None]] = []
        # A copy of this context gives the thread's log lines the same request id.
        run_in_context = copy_context().run
        self._thread = threading.Thread(
            target=run_in_context, args=(self._run,), name=f"heartbeat of job {job.id}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Waits for `seconds`. Returns True as soon as the run must end."""
        return self._stopped.wait(seconds)

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Registers a callback that interrupts the run; the heartbeat's thread calls it when the run must end.

        If the run must already end, calls it at once.
        """
        with self._lock:
            self._stop_callbacks.append(callback)
            is_late = self.stop is not None
        if is_late:
            callback()

    def _run(self) -> None:
        is_failing = False
        try:
            while not self._finished.wait(settings.JOB_HEARTBEAT_SECONDS) and self.stop is not Stop.VOID:
                try:
                    self._beat()
                    is_failing = False
                except Error as exc:
                    connection.close()
                    if not is_failing:
                        log.warning("job %s can't renew its lease; retrying (%s)", self._job.id, type(exc).__name__)
                    is_failing = True
        finally:
            connections.close_all()

    def _beat(self) -> None:
        held = Job.objects.filter(pk=self._job.pk, **lease_conditions(self._job))
        progress = self.progress
        has_changed = progress != self._reported
        changes = {"percent": progress[0], "message": progress[1]} if has_changed else {}
        if not held.filter(cancel_requested=False).update(leased_until=lease_expiry(), **changes):
            is_held = held.update(leased_until=lease_expiry())
            self._end_run(Stop.CANCELLED if is_held else Stop.VOID)
        elif has_changed:
            self._reported = progress
            if self._on_progress:
                self._on_progress(*progress)

    def _end_run(self, reason: Stop) -> None:
        if self.stop is not reason:
            log.info("job %s is stopped: %s", self._job.id, reason.name.lower())
        with self._lock:
            self.stop = reason
            callbacks = list(self._stop_callbacks)
        self._stopped.set()
        for callback in callbacks:
            callback()
