"""The type of a fault, the registry of all faults, and a helper that several faults use."""

from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tools.chaos.testbed import Testbed

Inject = Callable[[Testbed, float], None]


@dataclass(frozen=True)
class Fault:
    """One fault. Two with the same `target` never coincide; `needs` is the required feature of the testbed, if any."""

    name: str
    target: str
    inject: Inject
    needs: str = ""


FAULTS: dict[str, Fault] = {}


def fault(name: str, target: str, needs: str = "") -> Callable[[Inject], Inject]:
    """Registers a function of the testbed and the duration in seconds."""

    def register(inject: Inject) -> Inject:
        FAULTS[name] = Fault(name, target, inject, needs)
        return inject

    return register


def kill_child(testbed: Testbed, name: str) -> None:
    """Kills the child that was started last: the earlier ones are helpers."""
    children = sorted(testbed.family(name)[:-1], key=psutil.Process.create_time)
    for child in children[-1:]:
        child.kill()
