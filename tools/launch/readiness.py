"""Waits until parts answer, and says of each when it does."""

import time
from collections.abc import Callable, Mapping

PAUSE_SECONDS = 0.2

Probe = Callable[[], None]


def answers(name: str) -> str:
    """The line that is printed for a part that answers."""
    return f"{name} answers"


def wait(probes: Mapping[str, Probe], seconds: float, no_answer: tuple[type[Exception], ...]) -> dict[str, str]:
    """Asks until all have answered or the time is over; the silent ones, each with why it was last.

    A probe raises one of `no_answer` for as long as its part isn't ready.
    """
    deadline = time.monotonic() + seconds
    missing = dict.fromkeys(probes, "")
    while missing := {name: why for name in missing if (why := _asked(name, probes[name], no_answer))}:
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE_SECONDS)
    return missing


def _asked(name: str, probe: Probe, no_answer: tuple[type[Exception], ...]) -> str:
    try:
        probe()
    except no_answer as exc:
        return str(exc) or type(exc).__name__
    print(answers(name), flush=True)
    return ""
