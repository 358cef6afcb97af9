"""The protocols of traced objects; tracing does not import their classes."""

from typing import Protocol


class Answered(Protocol):
    """A response of the model server."""

    @property
    def status(self) -> int:
        """Its HTTP status."""
