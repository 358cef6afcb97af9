"""What Celery and Flower need to connect to an `Address`.

The settings read this, so it must not import redis-py: `common.apps` imports that first, without OpenTelemetry.
"""

from typing import Any
from urllib.parse import quote

from common.redis_server import address
from common.url_credentials import joined

SENTINEL_SECONDS = 2  # for one Sentinel, before a worker asks the next one
_NOT_OF_CONNECTIONS = {"db", "master_name", "sentinel_username", "sentinel_password"}


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
    login = sentinel_login(found) | {"socket_connect_timeout": SENTINEL_SECONDS, "socket_timeout": SENTINEL_SECONDS}
    return plain | {"master_name": found.target.options["master_name"], "sentinel_kwargs": login}


def tls(found: address.Address) -> dict[str, Any]:
    """Celery's `broker_use_ssl`, empty without TLS. A certificate is required unless the URL says otherwise."""
    if found.kind != "rediss":
        return {}
    given = {name: value for name, value in found.target.options.items() if name.startswith("ssl_")}
    requirement = given.get("ssl_cert_reqs", "required")
    return {"ssl_cert_reqs": requirement, "ssl_check_hostname": requirement != "none"} | given


def sentinel_login(found: address.Address) -> dict[str, Any]:
    """The login at a Sentinel, without retries: redis-py would wait seconds before it asks the next Sentinel."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - see above
    from redis.retry import Retry  # noqa: PLC0415

    names = {"username": "sentinel_username", "password": "sentinel_password"}
    given = {name: found.target.options[option] for name, option in names.items() if option in found.target.options}
    return {**given, "retry": Retry(NoBackoff(), 0)}
