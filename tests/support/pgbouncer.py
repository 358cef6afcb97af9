"""PgBouncer with transaction pooling, in front of a PostgreSQL server of the tests."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.support.network import free_port
from tests.support.postgres import Postgres
from tests.support.wait import until

PATH = f"{os.environ['PATH']}:/usr/sbin"  # where Debian's package puts it
MISSING = "PgBouncer is not installed: apt-get install pgbouncer"
# With round robin, consecutive transactions of a client get different sessions of the server.
CONFIGURATION = """
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
min_pool_size = 2
max_client_conn = 500
server_round_robin = 1
"""


class PgBouncer:
    """Runs from here to `close`. Skips the test if it is not installed; fails it under CI."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        program = shutil.which("pgbouncer", path=PATH)
        if program is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
        self._port = free_port()
        file = folder / "pgbouncer.ini"
        host = psycopg.conninfo.conninfo_to_dict(server.url)["host"]
        file.write_text(CONFIGURATION.format(host=host, port=self._port))
        other_user = ["-u", server.user] if server.user else []  # it refuses to run as root
        with (folder / "pgbouncer.log").open("wb") as log:
            self._process = subprocess.Popen([program, *other_user, file], stdout=log, stderr=log)

    def url_of(self, name: str) -> str:
        """The URL of a database of the server, once PgBouncer accepts connections."""
        url = f"postgresql://postgres@127.0.0.1:{self._port}/{name}"
        with until(lambda: psycopg.connect(url), what="PgBouncer"):
            return url

    def close(self) -> None:
        """Stops it."""
        self._process.terminate()
        self._process.wait(60)
