"""What is traced, as far as a span needs to know it; this layer knows none of the classes."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class Answered(Protocol):
    """A model server's answer."""

    @property
    def status(self) -> int:
        """Its HTTP status."""


class Recorded(Protocol):
    """A numbered record."""

    @property
    def sequence(self) -> int:
        """Its number."""

    @property
    def payload(self) -> bytes:
        """What `Record.encode` gave."""


class Batch(Protocol):
    """Records of one origin."""

    @property
    def origin(self) -> UUID:
        """Whose numbers they have."""

    @property
    def records(self) -> Sequence[Recorded]:
        """One or more."""
