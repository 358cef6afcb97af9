"""What redis-py, Celery and Flower need to connect to an `Address`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from common.redis_server import address
from common.url_credentials import joined

SENTINEL_SECONDS = 2  # for one Sentinel, before a worker asks the next one
_NOT_OF_CONNECTIONS = {"db", "master_name", "sentinel_username", "sentinel_password"}


@contextmanager
def connect(url: str, *, seconds: float) -> Iterator[redis.Redis]:
    """A client, closed at the end. `seconds` bound the connection and each command. Raises redis-py's errors."""
    found = address.read(url)
    waits = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    if found.kind == "sentinel":
        with _master(found, waits) as client:
            yield client
        return
    with redis.Redis.from_url(redis_url(found), **waits) as client:
        yield client


@contextmanager
def _master(found: address.Address, waits: Mapping[str, float]) -> Iterator[redis.Redis]:
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        list(found.target.hosts),
        sentinel_kwargs={**_sentinel_login(found), **waits},
        username=found.user or None,
        password=found.password or None,
        db=found.target.db,
        retry=Retry(NoBackoff(), 0),
        **waits,
    )
    name = str(found.target.options["master_name"])
    try:
        with sentinel.master_for(name) as client:  # type: ignore[no-untyped-call]
            yield client
    finally:
        for each in sentinel.sentinels:
            each.close()


def redis_url(found: address.Address) -> str:
    """The URL for redis-py, with the options of TLS alone: each caller has timeouts of its own."""
    given = dict(tls(found), db=found.target.db) if found.kind == "rediss" else {"db": found.target.db}
    return f"{found.kind}://{_place(found)}?{urlencode(given)}"


def broker_url(found: address.Address) -> str:
    """The URL for Celery and Flower, without options."""
    login = joined(found.user, found.password)
    if found.kind == "unix":
        return f"redis+socket://{login}{quote(found.target.path)}?virtual_host={found.target.db}"
    hosts = map(address.host_text, found.target.hosts)
    return ";".join(f"{found.kind}://{login}{host}/{found.target.db}" for host in hosts)


def transport_options(found: address.Address) -> dict[str, Any]:
    """Celery's `broker_transport_options`."""
    options = {name: value for name, value in found.target.options.items() if name not in _NOT_OF_CONNECTIONS}
    plain = {name: value for name, value in options.items() if not name.startswith("ssl_")}
    if found.kind != "sentinel":
        return plain
    login = _sentinel_login(found) | {"socket_connect_timeout": SENTINEL_SECONDS, "socket_timeout": SENTINEL_SECONDS}
    return plain | {"master_name": found.target.options["master_name"], "sentinel_kwargs": login}


def tls(found: address.Address) -> dict[str, Any]:
    """Celery's `broker_use_ssl`, empty without TLS. A certificate is required unless the URL says otherwise."""
    if found.kind != "rediss":
        return {}
    given = {name: value for name, value in found.target.options.items() if name.startswith("ssl_")}
    requirement = given.get("ssl_cert_reqs", "required")
    return {"ssl_cert_reqs": requirement, "ssl_check_hostname": requirement != "none"} | given


def _place(found: address.Address) -> str:
    login = joined(found.user, found.password)
    if found.kind == "unix":
        return login + quote(found.target.path)
    return login + address.host_text(found.target.hosts[0])


def _sentinel_login(found: address.Address) -> dict[str, Any]:
    """Without redis-py's retries, which wait seconds for a Sentinel that is down before they ask the next one."""
    names = {"username": "sentinel_username", "password": "sentinel_password"}
    given = {name: found.target.options[option] for name, option in names.items() if option in found.target.options}
    return {**given, "retry": Retry(NoBackoff(), 0)}
