"""Reads a URL of Redis: TCP, TLS, a Unix socket, or Sentinel."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from common import url_credentials
from common.redis_server import options
from common.redis_server.options import Value

KINDS = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "socket": "unix",
    "redis+socket": "unix",
    "sentinel": "sentinel",
    "redis-sentinel": "sentinel",
}
PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379}
MAX_PATH_BYTES = 107  # of a Unix socket, see unix(7)
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::(?P<port>[0-9]{1,5}))?")
_NEXT_SENTINEL = re.compile(r"[;,](?:(?:redis-)?sentinel://)?")


@dataclass(frozen=True)
class Target:
    """All but the credentials."""

    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    db: int = 0
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Address:
    """Where Redis is. `kind` is redis, rediss, unix or sentinel; of the last, `hosts` are the Sentinels."""

    kind: str
    user: str
    password: str = field(repr=False)
    target: Target = field(repr=False)

    @property
    def shown(self) -> str:
        """A URL without credentials and options."""
        if self.kind == "unix":
            return f"unix://{self.target.path}"
        return f"{self.kind}://{','.join(map(host_text, self.target.hosts))}/{self.target.db}"


def host_text(host: tuple[str, int]) -> str:
    """`name:port`, with brackets around an IPv6 address."""
    name, port = host
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


@lru_cache(maxsize=16)
def read(url: str) -> Address:
    """Raises `ValueError`. Its text is what is wrong, after the variable's name, and quotes no value."""
    scheme = url_credentials.SCHEME.match(url)
    kind = KINDS.get(scheme[1].lower()) if scheme else None
    if not scheme or not kind:
        raise ValueError("must begin with redis://, rediss://, unix:// or sentinel://")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("holds a blank: percent-encode it")
    rest = url[scheme.end() :]
    if kind == "sentinel":
        return _sentinel(rest)
    return Address(kind, *url_credentials.split(rest, _unix if kind == "unix" else _tcp(kind)))


def _sentinel(rest: str) -> Address:
    """The hosts are separated by commas, or as Celery has it, by `;sentinel://`."""
    *others, last = re.split(r";(?:redis-)?sentinel://", rest)
    named = [url_credentials.split(other, _hosts_only) for other in others]
    user, password, target = url_credentials.split(last, _sentinel_target)
    if named:
        user, password, _ = named[0]
    hosts = tuple(host for _, _, hosts in named for host in hosts)
    return Address("sentinel", user, password, Target(hosts + target.hosts, "", target.db, target.options))


def _hosts_only(text: str) -> tuple[tuple[str, int], ...]:
    return _hosts(text.partition("/")[0], "sentinel")


def _sentinel_target(text: str) -> Target:
    hosts, path, query = _parts(text)
    *names, db = path.split("/") if re.search(r"(^|/)[0-9]+$", path) else [*path.split("/"), ""]
    given = options.read(query, "sentinel")
    name = str(given.get("master_name", "")) or unquote("/".join(filter(None, names)))
    if not name:
        raise ValueError("names no master of Sentinel: add ?master_name=NAME")
    return Target(_hosts(hosts, "sentinel"), "", _db(db, given), {**given, "master_name": name})


def _tcp(kind: str) -> Callable[[str], Target]:
    def read_target(text: str) -> Target:
        host, path, query = _parts(text)
        given = options.read(query, kind)
        hosts = _hosts(host, kind)
        if len(hosts) > 1:
            raise ValueError("names several hosts: use sentinel:// for Sentinels")
        return Target(hosts, "", _db(path, given), given)

    return read_target


def _unix(text: str) -> Target:
    host, path, query = _parts(text)
    if host or not path:
        raise ValueError("must have the absolute path of a socket, such as unix:///run/redis.sock")
    path = f"/{unquote(path)}"
    if len(path.encode()) > MAX_PATH_BYTES:
        raise ValueError(f"names a socket whose path has more than {MAX_PATH_BYTES} bytes")
    given = options.read(query, "unix")
    return Target((), path, _db("", given), given)


def _parts(text: str) -> tuple[str, str, str]:
    """Host, path without the first slash, and query."""
    if "#" in text:
        raise ValueError("holds a #: percent-encode it as %23")
    front, _, query = text.partition("?")
    host, _, path = front.partition("/")
    return host, path, query


def _hosts(text: str, kind: str) -> tuple[tuple[str, int], ...]:
    return tuple(_host(part, PORTS[kind]) for part in _NEXT_SENTINEL.split(text))


def _host(text: str, default_port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if not found:
        raise ValueError("names no host: write host:port, with an IPv6 address in brackets")
    port = int(found["port"] or default_port)
    if not 1 <= port <= 65535:
        raise ValueError("has a port that is not from 1 to 65535")
    return found["ipv6"] or found["name"], port


def _db(path: str, given: Mapping[str, Value]) -> int:
    """The number of the database: an option, or the path."""
    path = path.strip("/")
    if path and not re.fullmatch(r"[0-9]{1,5}", path):
        raise ValueError("has a path that is no number of a database, such as /0")
    return int(given.get("db", path or 0))
