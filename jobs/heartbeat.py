"""The heartbeat of a running job: renews its lease, stores its progress, and stops the run where it must end.

It has a thread and a database connection of its own, so that the run itself may wait for as long as its work takes. A
database that is away is asked again at the next beat.
"""

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from enum import Enum, auto
from typing import Self

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections

from jobs.leases import held, lease
from jobs.models import Job

log = logging.getLogger(__name__)

Tell = Callable[[int, str], None]


class Stop(Enum):
    """Why a run must end before its time."""

    CANCELLED = auto()
    VOID = auto()  # another runner took the job over, or ended it


class Heartbeat:
    """Beats from the block's beginning to its end. The run sets `progress`, in percent and words."""

    def __init__(self, job: Job, tell: Tell | None = None) -> None:
        """`tell` hears of each change in progress, at most once a beat; it may raise database errors."""
        self.progress = (0, job.message)
        self.stop: Stop | None = None
        self._job = job
        self._tell = tell
        self._told = self.progress
        self._stopped = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._when_stopped: list[Callable[[], None]] = []
        # In a copy of this context, so that its log lines carry the same request id.
        beat = copy_context().run
        self._thread = threading.Thread(target=beat, args=(self._run,), name=f"heartbeat of job {job.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Waits; True as soon as the run must end."""
        return self._stopped.wait(seconds)

    def when_stopped(self, act: Callable[[], None]) -> None:
        """Has `act` called, in another thread, when the run must end: it cuts short what the run waits for.

        Where the run must end already, calls it at once.
        """
        with self._lock:
            self._when_stopped.append(act)
            is_late = self.stop is not None
        if is_late:
            act()

    def _run(self) -> None:
        is_failing = False
        try:
            while not self._over.wait(settings.JOB_HEARTBEAT_SECONDS) and self.stop is not Stop.VOID:
                try:
                    self._beat()
                    is_failing = False
                except (DatabaseError, InterfaceError) as exc:
                    connection.close()
                    if not is_failing:
                        log.warning("job %s can't renew its lease, and tries on (%s)", self._job.id, type(exc).__name__)
                    is_failing = True
        finally:
            connections.close_all()

    def _beat(self) -> None:
        mine = Job.objects.filter(pk=self._job.pk, **held(self._job))
        progress = self.progress
        is_asked_to_stop = mine.values_list("cancel_requested", flat=True).first()
        is_news = progress != self._told and not is_asked_to_stop
        news = {"percent": progress[0], "message": progress[1]} if is_news else {}
        if not mine.update(leased_until=lease(), **news):
            self._end_run(Stop.VOID)
        elif is_asked_to_stop:
            self._end_run(Stop.CANCELLED)
        elif is_news:
            self._told = progress
            if self._tell:
                self._tell(*progress)

    def _end_run(self, why: Stop) -> None:
        if self.stop is not why:
            log.info("job %s is stopped: %s", self._job.id, why.name.lower())
        with self._lock:
            self.stop = why
            acts = list(self._when_stopped)
        self._stopped.set()
        for act in acts:
            act()
