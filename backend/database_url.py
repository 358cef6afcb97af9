"""Reads a URL of PostgreSQL into Django's settings: any password, several hosts, and options of libpq."""

import os
import re
from typing import Any
from urllib.parse import unquote

import dj_database_url

from common import url_credentials

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[\w.%-]*)(?::(?P<port>[0-9]{1,5}))?")
_TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")


def read(url: str) -> dict[str, Any]:
    """Raises `ValueError`. Its text is what is wrong, after the variable's name, and quotes no value."""
    rest = url.partition("://")[2]
    user, password, (hosts, path) = url_credentials.split(rest, _target)
    place = url_credentials.joined(user, password)
    config: dict[str, Any] = dict(dj_database_url.parse(f"postgresql://{place}/{path}"))
    _check_options(config.get("OPTIONS", {}))
    return config | {
        "HOST": ",".join(name for name, _ in hosts),
        "PORT": ",".join(port for _, port in hosts) if any(port for _, port in hosts) else "",
    }


def _target(text: str) -> tuple[list[tuple[str, str]], str]:
    """The hosts with their ports, and the path with the query."""
    if "#" in text:
        raise ValueError("holds a #: percent-encode it as %23")
    end = min((text.index(mark) for mark in "/?" if mark in text), default=len(text))
    hosts, path = [_host(part) for part in text[:end].split(",")], text[end:].removeprefix("/")
    if not re.fullmatch(r"[^/?@]+(\?[^?]*)?", path):
        raise ValueError("names no database")
    return hosts, path


def _host(text: str) -> tuple[str, str]:
    found = _HOST.fullmatch(text)
    if not found or (found["port"] and not 1 <= int(found["port"]) <= 65535):
        raise ValueError("names no host and port: write host:5432, with an IPv6 address in brackets")
    return unquote(found["name"].strip("[]")), found["port"] or ""


def _check_options(options: dict[str, Any]) -> None:
    """The client library would refuse these at each connection, after the start."""
    from psycopg import Error, conninfo  # noqa: PLC0415 - SQLite needs no driver

    try:
        conninfo.make_conninfo(**options)
    except Error:
        raise ValueError("has an option that PostgreSQL's client library does not know") from None
    if options.get("sslmode", "prefer") not in _TLS_MODES:
        raise ValueError(f"has an option sslmode that is not {', '.join(_TLS_MODES)}")
    for name in _FILES:
        if options.get(name, "system") != "system" and not os.access(str(options[name]), os.R_OK):
            raise ValueError(f"has an option {name} that names no file that can be read")
