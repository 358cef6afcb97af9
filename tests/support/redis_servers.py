"""Redis servers on a port, a Unix socket, behind TLS and Sentinel; user and password have reserved characters."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

import redis

from tests.support.network import free_port
from tests.support.tls_link import tls_link
from tests.support.wait import until
from tools.launch.redis import server

USER, PASSWORD = "clinic", "s3c#r@t%/?:é"


@contextmanager
def on_a_port() -> Iterator[str]:
    """The password stands in the URL as it is."""
    port = free_port()
    with _folder() as folder, _redis(folder, "--port", str(port)):
        until(lambda: _pings(port=port), what="redis")
        yield f"redis://{USER}:{PASSWORD}@127.0.0.1:{port}/1?socket_timeout=5&health_check_interval=30"


@contextmanager
def on_a_socket() -> Iterator[str]:
    """The password stands in the URL as it is."""
    with _folder() as folder:
        path = folder / "redis.sock"
        with _redis(folder, "--port", "0", "--unixsocket", str(path)):
            until(lambda: _pings(unix_socket_path=str(path)), what="redis")
            yield f"unix://{USER}:{PASSWORD}@{path}?db=1&socket_timeout=5&health_check_interval=30"


@contextmanager
def behind_tls() -> Iterator[str]:
    """The password is percent-encoded."""
    port = free_port()
    with _folder() as folder, _redis(folder, "--port", str(port)), tls_link(port, folder) as (secured, certificate):
        until(lambda: _pings(port=port), what="redis")
        options = f"ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={certificate}&socket_keepalive=true"
        yield f"rediss://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{secured}/1?{options}"


@contextmanager
def behind_sentinel() -> Iterator[str]:
    """The first Sentinel of the URL is down."""
    port, port_of_sentinel, free = free_port(), free_port(), free_port()
    with _folder() as folder, _redis(folder, "--port", str(port)):
        until(lambda: _pings(port=port), what="redis")
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port_of_sentinel}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor mymaster 127.0.0.1 {port} 1\n"
            f'sentinel auth-user mymaster {USER}\nsentinel auth-pass mymaster "{PASSWORD}"\n'
        )
        with _running(server(), str(config), "--sentinel"):
            sentinel = redis.Redis(port=port_of_sentinel)
            until(lambda: _is_seen(sentinel), what="sentinel")
            sentinel.close()
            hosts = f"127.0.0.1:{free},127.0.0.1:{port_of_sentinel}"
            yield f"sentinel://{USER}:{PASSWORD}@{hosts}/0?master_name=mymaster&socket_timeout=5"


DIALECTS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "plain": on_a_port,
    "unix": on_a_socket,
    "tls": behind_tls,
    "sentinel": behind_sentinel,
}


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        yield Path(folder)


@contextmanager
def _redis(folder: Path, *words: str) -> Iterator[None]:
    rules = folder / "users.acl"
    rules.write_text(f"user default off\nuser {USER} on ~* &* +@all >{PASSWORD}\n")
    options = ("--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--aclfile", str(rules), *words)
    with _running(server(), *options):
        yield


@contextmanager
def _running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _is_seen(sentinel: redis.Redis) -> bool:
    state = sentinel.sentinel_master("mymaster")
    return isinstance(state, dict) and state["is_sdown"] is False


def _pings(**where: object) -> bool:
    with redis.Redis(username=USER, password=PASSWORD, **where) as client:  # type: ignore[arg-type]
        return bool(client.ping())
