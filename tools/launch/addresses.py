"""The addresses on which the processes listen, and their URLs on this machine, without credentials."""

from urllib.parse import urlsplit

from django.conf import settings

from backend import env

LOOPBACK = "127.0.0.1"
FROM_THIS_MACHINE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - replaced, not bound


def listeners() -> dict[str, tuple[str, str, int]]:
    """Returns the variable, host and port of each listening process. Raises `BadSetting`."""
    return {
        "redis": ("REDIS_PORT", LOOPBACK, env.port("REDIS_PORT", 6379)),
        "ml_server": ("ML_SERVER_PORT", settings.BIND_HOST, env.port("ML_SERVER_PORT", 9000)),
        "web": ("GATEWAY_PORT", settings.BIND_HOST, settings.GATEWAY_PORT),
        "flower": ("FLOWER_PORT", settings.BIND_HOST, env.port("FLOWER_PORT", 5555)),
    }


def url(name: str) -> str:
    """Returns the root URL of a listening process, as reached from this machine, without a trailing slash."""
    _, host, port = listeners()[name]
    host = FROM_THIS_MACHINE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def without_credentials(url: str) -> str:
    """Returns `url` without user information and query, which may contain a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def is_loopback(host: str) -> bool:
    """Whether `host` can be reached only from this machine."""
    return host in {"localhost", "::1"} or host.startswith("127.")
