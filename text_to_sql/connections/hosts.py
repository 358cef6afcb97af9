"""Which databases may be registered: otherwise a caller could make the gateway connect to anything it can reach.

`TEXT_TO_SQL_HOSTS` lists hosts, each with its port if that is not the engine's default: `db.clinic.example`,
`db.clinic.example:3307`, `*.clinic.example`, `/run/postgresql` for a Unix socket. SQLite files lie below
`SQLITE_FOLDER`.
"""

from pathlib import Path

from common.conf import settings
from text_to_sql.connections.info import PORTS, ConnectionInfo


def check(info: ConnectionInfo) -> None:
    """Raises `ValueError` if the settings do not allow this database."""
    if info.engine == "sqlite":
        sqlite_file(info)
    elif not any(_covers(entry, info) for entry in settings.TEXT_TO_SQL_HOSTS):
        raise ValueError("has a host or port that is not allowed: have it added to TEXT_TO_SQL_HOSTS")


def sqlite_file(info: ConnectionInfo) -> Path:
    """The file of a SQLite database. Raises `ValueError` if it is missing, or outside the folder for such files."""
    folder = Path(settings.SQLITE_FOLDER).resolve()
    path = (folder / info.db).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise ValueError("must name an existing file in SQLITE_FOLDER (default VAR_DIR/databases)")
    return path


def _covers(entry: str, info: ConnectionInfo) -> bool:
    if entry.startswith("/"):
        return info.host == entry
    name, _, port = entry.rpartition(":") if entry.rpartition(":")[2].isdigit() else (entry, "", "")
    if int(port or PORTS[info.engine]) != info.port:
        return False
    host = info.host.lower()
    return host == name.lower() or (name.startswith("*.") and host.endswith(name[1:].lower()))
