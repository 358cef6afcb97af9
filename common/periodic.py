"""The registry of periodic tasks. Apps register theirs; `worker.beat` builds its schedule from them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PeriodicTask:
    """A Celery task and its schedule.

    It is due every `seconds`, or at the times of the five fields of `crontab` in UTC. A message expires after
    `expires_seconds`. With `while_taken`, beat pauses while messages pile up because no worker takes them.
    """

    name: str
    task: str
    seconds: float = 0.0
    crontab: str = ""
    expires_seconds: int = 60
    while_taken: bool = False


_registered: dict[str, PeriodicTask] = {}


def register(task: PeriodicTask) -> None:
    """Adds a task; replaces a task with the same name."""
    _registered[task.name] = task


def registered() -> list[PeriodicTask]:
    """All registered tasks."""
    return list(_registered.values())
