"""Systems of real processes, each with a migrated database of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common.ids import uuid7
from tests.support.postgres import Postgres
from tests.support.system import System


class Migrated:
    """A migrated database, the template for copies."""

    def __init__(self, folder: Path, server: Postgres | None) -> None:
        self._server = server
        self._name = new_name()
        self._first = System(folder, database_url=server.make_database(self._name) if server else "")
        self._first.manage("migrate", "-v0")

    def copy_to(self, folder: Path) -> str:
        """Copies the database; returns the URL, blank for SQLite in the state folder."""
        if self._server:
            return self._server.make_database(new_name(), template=self._name)
        shutil.copy(self._first.folder / "db.sqlite3", folder)
        return ""


def new_name() -> str:
    """A unique database name."""
    return f"system_{uuid7().hex}"


@contextmanager
def systems(new_folder: Callable[[str], Path], migrated: Migrated) -> Iterator[Callable[..., System]]:
    """Yields a function that creates systems; stops them at the end of the block."""
    made: list[System] = []

    def make(**settings: str) -> System:
        folder = new_folder("system")
        made.append(System(folder, database_url=migrated.copy_to(folder), **settings))
        return made[-1]

    try:
        yield make
    finally:
        for system in made:
            system.stop()
