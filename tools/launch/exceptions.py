"""Exceptions that end the launcher."""

from collections.abc import Sequence


class LaunchError(Exception):
    """The system can't start. The text names the process, the reason and its last output lines, `tail`."""

    def __init__(self, what: str, tail: Sequence[str] = ()) -> None:
        super().__init__("\n".join([f"{what}; it printed last:" if tail else what, *(f"  {line}" for line in tail)]))
        self.tail = tail


class StopRequested(Exception):
    """A signal requested the stop."""
