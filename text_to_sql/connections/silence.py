"""Databases that did not answer: one caller at a time tries again, so that the others keep no slot waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from text_to_sql.connections.info import ConnectionInfo
from text_to_sql.exceptions import TargetError, TargetTimeout

_silent: dict[tuple[str, int], threading.Lock] = {}  # by host and port


@contextmanager
def turn(info: ConnectionInfo) -> Iterator[None]:
    """Connects in the block. Raises `TargetTimeout` at once if another caller tries a silent database."""
    place = (info.host, info.port)
    trying = _silent.get(place)
    if trying is None:
        with _noted(place):
            yield
    elif trying.acquire(blocking=False):
        try:
            with _noted(place):
                yield
        finally:
            trying.release()
    else:
        raise TargetTimeout(
            f"The database {info.db!r} did not answer a moment ago, and another caller tries again. Try again soon."
        )


@contextmanager
def _noted(place: tuple[str, int]) -> Iterator[None]:
    """A database that answers, even with a refusal, is not silent."""
    try:
        yield
    except TargetTimeout:
        _silent.setdefault(place, threading.Lock())
        raise
    except TargetError:
        _silent.pop(place, None)
        raise
    _silent.pop(place, None)
