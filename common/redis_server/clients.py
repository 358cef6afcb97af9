"""Connections of redis-py to an `Address`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from common.redis_server import address
from common.redis_server.celery_options import sentinel_login, tls
from common.url_credentials import joined


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
        sentinel_kwargs={**sentinel_login(found), **waits},
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


def _place(found: address.Address) -> str:
    login = joined(found.user, found.password)
    if found.kind == "unix":
        return login + quote(found.target.path)
    return login + address.host_text(found.target.hosts[0])
