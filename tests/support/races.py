"""Two transactions at once, each with a database connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, transaction

from tests.support.wait import until

T = TypeVar("T")


def apart(act: Callable[[], T]) -> Callable[[], T]:
    """What runs in a thread with a database connection of its own."""

    def run() -> T:
        try:
            return act()
        finally:
            connection.close()

    return run


@contextmanager
def meanwhile(act: Callable[[], T]) -> Iterator[list[T]]:
    """Begins `act` in a transaction of the block's end, so that it has to wait for what the block has locked."""
    results: list[T] = []
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            yield results
            running = pool.submit(apart(act))
            if connection.vendor == "postgresql":
                until(lambda: is_waiting() or running.done(), what="the other transaction to wait")
                assert not running.done()
        results.append(running.result())


def is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
