"""A kind of fault, the list of all kinds, and what several of them do."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from tools.chaos.stage import Stage

Act = Callable[[Stage, float], None]


@dataclass(frozen=True)
class Fault:
    """One kind. Two with the same `target` never strike together; `needs` names the database, blank for either."""

    name: str
    target: str
    act: Act
    needs: str = ""


FAULTS: dict[str, Fault] = {}


def fault(name: str, target: str, needs: str = "") -> Callable[[Act], Act]:
    """Enters a function of the stage and the seconds to last into the list."""

    def enter(act: Act) -> Act:
        FAULTS[name] = Fault(name, target, act, needs)
        return act

    return enter


@contextmanager
def frozen(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Stops processes, in order, for the length of the block; those that end meanwhile are nobody's worry."""
    stopped = list(processes)
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()
