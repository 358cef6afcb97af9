"""Why the system does not come up, or does not stay up."""

from collections.abc import Sequence


class Failed(Exception):
    """It can't be brought up; the text says which part, why, and what it printed last, its `tail`."""

    def __init__(self, what: str, tail: Sequence[str] = ()) -> None:
        super().__init__("\n".join([f"{what}; it printed last:" if tail else what, *(f"  {line}" for line in tail)]))
        self.tail = tail


class StopRequested(Exception):
    """A signal asked for the end."""
