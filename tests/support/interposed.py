"""Runs one side of a race at the worst moment of the other: between its read and its write."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections


def is_write(sql: str) -> bool:
    """Whether a statement writes, or begins a transaction that writes."""
    return not sql.startswith("SELECT")


@contextmanager
def interposed(rival: Callable[[], Any], before: Callable[[str], bool] = is_write) -> Iterator[list[Any]]:
    """Runs `rival` just before the first statement of this thread for which `before` is true.

    `rival` has a thread and a database connection of its own. Yields a list that then contains its result.
    """
    results: list[Any] = []

    def run() -> Any:
        try:
            return rival()
        finally:
            connections.close_all()

    def execute(send: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if not results and before(sql):
            with ThreadPoolExecutor(1) as pool:
                results.append(pool.submit(run).result())
        return send(sql, *arguments)

    with connection.execute_wrapper(execute):
        yield results
    assert results, "the rival did not run"
