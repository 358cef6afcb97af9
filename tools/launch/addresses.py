"""Where the parts listen, and how to reach them from this machine; never with a credential in it."""

from urllib.parse import urlsplit

from django.conf import settings

from backend import env

LOOPBACK = "127.0.0.1"
FROM_THIS_MACHINE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - replaced here, not bound


def listeners() -> dict[str, tuple[str, str, int]]:
    """Variable, host and port of each process that listens. Raises `BadSetting`."""
    return {
        "redis": ("REDIS_PORT", LOOPBACK, env.port("REDIS_PORT", 6379)),
        "ml_server": ("ML_SERVER_PORT", settings.BIND_HOST, env.port("ML_SERVER_PORT", 9000)),
        "web": ("GATEWAY_PORT", settings.BIND_HOST, settings.GATEWAY_PORT),
        "flower": ("FLOWER_PORT", settings.BIND_HOST, env.port("FLOWER_PORT", 5555)),
    }


def url(name: str) -> str:
    """The root of a process that listens, as this machine reaches it, without a slash at its end."""
    _, host, port = listeners()[name]
    host = FROM_THIS_MACHINE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def shown(url: str) -> str:
    """`url` without what may hold a password: the user's part and the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def is_loopback(host: str) -> bool:
    """Whether `host` is reached from this machine only."""
    return host in {"localhost", "::1"} or host.startswith("127.")
