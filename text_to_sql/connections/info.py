"""Where a registered database is, and who connects: `connection_info` in its three forms."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

ENGINES = {"mysql": "mysql", "mariadb": "mysql", "postgres": "postgres", "postgresql": "postgres", "sqlite": "sqlite"}
PORTS = {"mysql": 3306, "postgres": 5432, "sqlite": 0}
_MEMBERS = {"host", "db", "user", "passwd", "port", "engine"}


@dataclass(frozen=True, kw_only=True)
class ConnectionInfo:
    """`engine` is the guard's dialect. `host` may be a folder with a Unix socket. `db` of SQLite is a file's name."""

    engine: str
    host: str
    port: int
    db: str
    user: str
    password: str

    def __repr__(self) -> str:
        """Without the password, since a traceback may show it."""
        return f"{self.engine}://{self.user}@{self.host}:{self.port}/{self.db}"

    def without_password(self, text: str) -> str:
        """A text, such as a driver's error, in which the password must not be."""
        return text.replace(self.password, "***") if self.password else text


def read(value: object) -> ConnectionInfo:
    """The connection that a JSON text, an object or a URL describes. Raises `ValueError`, which quotes no password."""
    if isinstance(value, str) and "://" in value.split("{")[0]:
        return _of(_from_url(value))
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError('must be a URL, an object, or its JSON text such as {"host": …, "db": …}') from None
    if not isinstance(value, dict):  # from a caller's JSON, so it is an error of the value
        raise ValueError(  # noqa: TRY004
            "must have host, db, user and passwd; engine and port are optional"
        )
    return _of(value)


def _from_url(url: str) -> Mapping[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL such as mysql://user:password@host:3306/name") from None
    return {
        "engine": parts.scheme.split("+")[0],
        "host": unquote(parts.hostname or ""),
        "port": port,
        "db": unquote(parts.path.removeprefix("/")),
        "user": unquote(parts.username or ""),
        "passwd": unquote(parts.password or ""),
    }


def _of(members: Mapping[str, Any]) -> ConnectionInfo:
    unknown = sorted(members.keys() - _MEMBERS)
    if unknown:
        raise ValueError(
            f"has members that are unknown: {', '.join(unknown)[:100]}; it takes {', '.join(sorted(_MEMBERS))}"
        )
    engine = ENGINES.get(str(members.get("engine") or "mysql").lower())
    if engine is None:
        raise ValueError(f"must have an engine of {', '.join(ENGINES)}")
    port = members.get("port") or PORTS[engine]
    if not str(port).isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("must have a port from 1 to 65535")
    texts = {name: members.get(name) or "" for name in ("host", "db", "user", "passwd")}
    _check_texts(engine, texts)
    return ConnectionInfo(
        engine=engine, host=texts["host"], port=int(port), db=texts["db"], user=texts["user"], password=texts["passwd"]
    )


def _check_texts(engine: str, texts: Mapping[str, Any]) -> None:
    for name, text in texts.items():
        if not isinstance(text, str) or len(text) > 255 or "\0" in text:
            raise ValueError(f"must have a text of at most 255 characters as {name}")
    needed = ("db",) if engine == "sqlite" else ("host", "db", "user")
    missing = [name for name in needed if not texts[name]]
    if missing:
        raise ValueError(f"must have {' and '.join(missing)}")
