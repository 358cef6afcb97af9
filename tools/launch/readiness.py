"""Waits until all parts answer, and prints each one that does."""

import time
from collections.abc import Callable, Mapping

PAUSE_SECONDS = 0.2

Probe = Callable[[], None]


def answers(name: str) -> str:
    """Returns the line that is printed for a part that answers."""
    return f"{name} answers"


def wait(probes: Mapping[str, Probe], seconds: float, no_answer: tuple[type[Exception], ...]) -> dict[str, str]:
    """Polls until all parts answer or `seconds` have passed. Returns the last failure of each part without an answer.

    A probe raises one of `no_answer` while its part is not ready.
    """
    deadline = time.monotonic() + seconds
    missing = dict.fromkeys(probes, "")
    while missing := {name: why for name in missing if (why := _failure(name, probes[name], no_answer))}:
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE_SECONDS)
    return missing


def _failure(name: str, probe: Probe, no_answer: tuple[type[Exception], ...]) -> str:
    try:
        probe()
    except no_answer as exc:
        return str(exc) or type(exc).__name__
    print(answers(name), flush=True)
    return ""
