"""A real MariaDB server, from the distribution's package, on a free TCP port."""

import os
import shutil
import subprocess
from pathlib import Path

import pymysql
import pytest

from tests.support.held_signals import held_signals
from tests.support.network import free_port
from tests.support.wait import until

HINT = "needs MariaDB: install the package mariadb-server"
_PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin"


def programs() -> tuple[str, str]:
    """The paths of the installer and of the server. Skips the test if they are not installed."""
    found = [shutil.which(name, path=_PATHS) for name in ("mariadb-install-db", "mariadbd")]
    if not all(found):
        pytest.skip(HINT)
    return str(found[0]), str(found[1])


class MariaDB:
    """A server with its data in `folder`, running from here to `close`. `root` has no password."""

    def __init__(self, folder: Path) -> None:
        installer, server = programs()
        temporary = folder.with_name(f"{folder.name}-tmp")
        for each in (folder, temporary):
            each.mkdir(parents=True, exist_ok=True)
        user = "--user=root" if os.geteuid() == 0 else f"--user={os.environ.get('USER', 'nobody')}"
        # A server that starts removes all temporary tables of its `tmpdir`, also those of others that use it.
        options = ["--no-defaults", f"--datadir={folder}", f"--tmpdir={temporary}", user]
        installation = subprocess.run(
            [installer, *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=False,
            capture_output=True,
            text=True,
        )
        assert installation.returncode == 0, installation.stdout + installation.stderr
        self.port = free_port()
        command = [
            server, *options, f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={folder}/s",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
            "--skip-log-bin", "--skip-name-resolve",
            f"--pid-file={folder}/pid", f"--log-error={folder}/log",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with held_signals():
                self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(self._answers, what="mariadb", seconds=60)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def connect(self, database: str | None = None, user: str = "root", password: str = "") -> "pymysql.Connection":
        """A connection that commits each statement."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, database=database, autocommit=True
        )

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Runs statements as root."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def close(self) -> None:
        """Stops the server."""
        if self._process is not None:
            with held_signals():
                self._process.terminate()
                self._process.wait(60)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True
