"""The options of a URL of Redis: those that redis-py and Celery both have.

https://redis.readthedocs.io/en/stable/connections.html and
https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.redis.html
"""

import os
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

Value = str | int | float | bool

MIN_TIMEOUT_SECONDS = 2  # a worker waits a second for its next message, and needs an answer later than that
MIN_CONNECTIONS = 10  # that a worker needs
_REQUIREMENTS = {"none", "optional", "required"}
_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _number(minimum: float, maximum: float) -> Callable[[str], Value]:
    def read_number(text: str) -> Value:
        value = float(text)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return read_number


def _whole(minimum: int, maximum: int) -> Callable[[str], Value]:
    def read_whole(text: str) -> Value:
        if not re.fullmatch("[0-9]{1,9}", text) or not minimum <= int(text) <= maximum:
            raise ValueError
        return int(text)

    return read_whole


def _switch(text: str) -> Value:
    if text.lower() not in _SWITCHES:
        raise ValueError
    return _SWITCHES[text.lower()]


def _requirement(text: str) -> Value:
    found = text.lower().removeprefix("cert_")
    if found not in _REQUIREMENTS:
        raise ValueError
    return found


def _file(text: str) -> Value:
    if not os.access(text, os.R_OK):
        raise ValueError
    return os.path.abspath(text)


def _text(text: str) -> Value:
    if not text:
        raise ValueError
    return text


_Reader = tuple[Callable[[str], Value], str]  # and what the value must be
_DB: _Reader = (_whole(0, 99999), "the number of a database")
_COMMON: Mapping[str, _Reader] = {
    "db": _DB,
    "virtual_host": _DB,
    "socket_timeout": (_number(MIN_TIMEOUT_SECONDS, 3600), f"from {MIN_TIMEOUT_SECONDS} to 3600 seconds"),
    "socket_connect_timeout": (_number(0.1, 3600), "from 0.1 to 3600 seconds"),
    "health_check_interval": (_whole(0, 3600), "from 0 to 3600 seconds, a whole number"),
    "socket_keepalive": (_switch, "true or false"),
    "retry_on_timeout": (_switch, "true or false"),
    "max_connections": (_whole(MIN_CONNECTIONS, 100_000), f"{MIN_CONNECTIONS} or more"),
    "client_name": (_text, "a text"),
}
_TLS: Mapping[str, _Reader] = {
    "ssl_cert_reqs": (_requirement, "required, optional or none"),
    "ssl_check_hostname": (_switch, "true or false"),
    "ssl_ca_certs": (_file, "a file that can be read"),
    "ssl_certfile": (_file, "a file that can be read"),
    "ssl_keyfile": (_file, "a file that can be read"),
}
_SENTINEL: Mapping[str, _Reader] = {
    "master_name": (_text, "a text"),
    "sentinel_username": (_text, "a text"),
    "sentinel_password": (_text, "a text"),
}
OF_KIND: Mapping[str, Mapping[str, _Reader]] = {
    "redis": _COMMON,
    "rediss": {**_COMMON, **_TLS},
    "unix": _COMMON,
    "sentinel": {**_COMMON, **_SENTINEL},
}
_KNOWN = {name for readers in OF_KIND.values() for name in readers}


def read(query: str, kind: str) -> dict[str, Value]:
    """The options in `query`. Raises `ValueError`, which quotes no value: a query may be a part of a password."""
    found: dict[str, Value] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in OF_KIND[kind]:
            raise ValueError(_unknown(name, kind))
        reader, needed = OF_KIND[kind][name]
        try:
            found["db" if name == "virtual_host" else name] = reader(text)
        except ValueError:
            raise ValueError(f"has an option {name} that is not {needed}") from None
    return found


def _unknown(name: str, kind: str) -> str:
    where = f"has the option {name}, which {kind}:// does not take" if name in _KNOWN else "has an unknown option"
    return f"{where}; the options are {', '.join(OF_KIND[kind])}"
