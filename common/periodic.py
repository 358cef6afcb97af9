"""Tasks that beat sends by the clock. Apps register theirs; `worker.beat` makes the schedule of them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PeriodicTask:
    """A Celery task, and when it is due.

    Either every `seconds`, or by the five fields of `crontab`, in UTC. A message that waits longer than
    `expires_seconds` is dropped. With `while_taken` none is sent while messages pile up: no worker takes them.
    """

    name: str
    task: str
    seconds: float = 0.0
    crontab: str = ""
    expires_seconds: int = 60
    while_taken: bool = False


_registered: dict[str, PeriodicTask] = {}


def register(task: PeriodicTask) -> None:
    """Adds a task. Registering one of the same name replaces it."""
    _registered[task.name] = task


def registered() -> list[PeriodicTask]:
    """All of them."""
    return list(_registered.values())
