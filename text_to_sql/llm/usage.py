"""Counts the tokens of the calls that one piece of work makes, such as one question of the evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Usage:
    """Calls, and their tokens as the server counts them."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


_counted: ContextVar[Usage | None] = ContextVar("counted", default=None)


@contextmanager
def counted() -> Iterator[Usage]:
    """Counts the calls of this thread."""
    usage = Usage()
    token = _counted.set(usage)
    try:
        yield usage
    finally:
        _counted.reset(token)


def add(tokens_in: int, tokens_out: int) -> None:
    """Adds a call to what is counted, if anything is."""
    usage = _counted.get()
    if usage is not None:
        usage.calls, usage.tokens_in, usage.tokens_out = (
            usage.calls + 1, usage.tokens_in + tokens_in, usage.tokens_out + tokens_out,
        )  # fmt: skip
