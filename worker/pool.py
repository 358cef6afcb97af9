"""Celery's prefork pool, which also remembers what its processes have begun when the consumer closes.

`tests/acceptance/test_worker_stop.py` shows what happens without it.
"""
# ruff: noqa: SLF001 - Celery has no public names for these

from collections.abc import Callable
from typing import Any

from celery.concurrency import prefork
from celery.concurrency.asynpool import AsynPool, _get_job_writer  # type: ignore[attr-defined]


class Pool(AsynPool):
    """Hands a process whole messages, one at a time, and takes each result."""

    _all_inqueues: set[int]  # of each process that runs: the pipe that its messages go into
    _busy_workers: set[int]  # the pipes of those that have a message
    _cache: dict[int, Any]  # the jobs without a result
    _flush_writer: Callable[[Any, Any], None]

    def flush(self) -> None:
        """Forgets the messages that no process has. Celery calls it when Redis is lost, and when the worker stops.

        Celery 5.6 also forgets what a process has, but has not confirmed. Then, when the worker stops:
        - a process with a part of a message of more than 64 KiB takes what comes next for the rest, and never ends;
        - a process whose result nobody takes waits 30 s for that before it ends.
        And it forgets who is busy, so tasks wait behind a long one: https://github.com/celery/celery/pull/10346.
        """
        begun = {number: job for number, job in self._cache.items() if job._write_to}
        busy = set(self._busy_workers)
        for job in begun.values():
            if writer := _get_job_writer(job):
                self._flush_writer(job._write_to, writer)
        super().flush()
        self._cache |= {number: job for number, job in begun.items() if not job.ready() and job._write_to._is_alive()}
        self._busy_workers |= busy & self._all_inqueues


class TaskPool(prefork.TaskPool):
    """Celery's setting `worker_pool` names it."""

    Pool = Pool
