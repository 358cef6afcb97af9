"""What is traced, as far as a span needs to know it; this layer knows none of the classes."""

from typing import Protocol


class Answered(Protocol):
    """A model server's answer."""

    @property
    def status(self) -> int:
        """Its HTTP status."""
