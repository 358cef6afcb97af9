"""Replaces this process with Flower. Without a password, Flower is read-only and listens on loopback only."""

import os
import sys

from django.conf import settings

from backend.env import BadSetting
from common.database_checks import refuse_unusable
from tools.launch.addresses import is_loopback, listeners

MAX_TASKS = 10_000  # Flower keeps each in memory
MAKE_ONE = "set it to user:password"


def environment() -> dict[str, str]:
    """Returns Flower's environment variables. Raises `BadSetting`."""
    variables = dict(os.environ)
    variables.pop("FLOWER_PORT", None)  # the option --port has it; Kubernetes may have set it to an address
    login = variables.pop("FLOWER_BASIC_AUTH", "").strip()
    if login and ":" not in login:
        raise BadSetting("FLOWER_BASIC_AUTH", "has no colon", MAKE_ONE)
    if login:
        return variables | {"FLOWER_BASIC_AUTH": login}
    if not is_loopback(settings.BIND_HOST):
        raise BadSetting("FLOWER_BASIC_AUTH", f"is not set, with BIND_HOST={settings.BIND_HOST}", MAKE_ONE)
    # Any web page that is open on this machine could send requests to Flower, so it may show but not change anything.
    return variables | {"FLOWER_UNAUTHENTICATED_API": "true", "FLOWER_READ_ONLY": "true"}


def command() -> list[str]:
    """Returns the command that replaces this process. Raises `BadSetting`."""
    _, host, port = listeners()["flower"]
    options = [f"--address={host}", f"--port={port}", f"--max_tasks={MAX_TASKS}", "--logging=warning"]
    return [sys.executable, "-m", "celery", "--quiet", "-A", "tools.launch.flower_app", "flower", *options]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    refuse_unusable()
    try:
        words, variables = command(), environment()
    except BadSetting as exc:
        sys.exit(f"ml-proxy: {exc}")
    os.execve(words[0], words, variables)  # noqa: S606 - no shell is wanted
