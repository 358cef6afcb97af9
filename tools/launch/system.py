"""The processes of the system on one machine, and the order in which they start and stop."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from backend.env import MIB, BadSetting
from common.database_checks import refuse_unusable
from common.redis_server import address
from tools.launch import addresses, box, ports, procfile, redis
from tools.launch.exceptions import LaunchError
from tools.launch.readiness import answers
from tools.launch.supervisor import Supervisor

EMBEDDED = {"redis": "REDIS_URL", "ml_server": "ML_SERVER_URL"}
DATABASES, PRODUCTS = "databases", "products"
SYNTHETIC_PRODUCTS = ("import_products", "--synthetic", "--if-empty", "--no-progress")  # for desk photos
TEST_DATABASES = ("generate_test_databases", "--register", "--if-empty")  # for questions in SQL
READY_SECONDS = 120
SPARE_SECONDS = 5
MIN_FREE_BYTES = 128 * MIB


def parts() -> dict[str, list[str]]:
    """Returns the Procfile's commands, except those for which a URL names an external service."""
    commands = procfile.read()
    for name, variable in EMBEDDED.items():
        if os.environ.get(variable, "").strip():
            commands.pop(name, None)
    return commands


def web_stop_seconds() -> int:
    """Returns the seconds that the gateway may take to stop: enough for a prediction that has just arrived."""
    return int(settings.UPSTREAM_TOTAL_SECONDS) + SPARE_SECONDS


def stop_stages() -> list[Mapping[str, float]]:
    """Returns the stages of a stop with grace periods in seconds: no process stops before those that need it."""
    workers = dict.fromkeys(("worker-logs", "worker-jobs", "beat"), settings.WORKER_STOP_SECONDS + SPARE_SECONDS)
    return [
        {"web": web_stop_seconds() + SPARE_SECONDS},
        {"publisher": SPARE_SECONDS},  # the last records of the journal still reach the workers
        {**workers, "flower": SPARE_SECONDS},
        {"ml_server": SPARE_SECONDS},
        {"redis": 2 * SPARE_SECONDS},
    ]


def check() -> None:
    """Raises `BadSetting` for problems that can be detected before the start, or ends this process."""
    check_room(settings.VAR_DIR)
    refuse_unusable()
    names = list(parts())
    if "redis" in names:
        redis.server()
    ports.check_free(names)


def check_room(folder: Path) -> None:
    """Raises `BadSetting` if the disk is nearly full. SQLite's errors would name other causes."""
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        problem = f"can't be {str(folder)!r}, whose disk has {free // MIB} MiB free"
        raise BadSetting("VAR_DIR", problem, f"free {MIN_FREE_BYTES // MIB} MiB there, or set another VAR_DIR")


def bring_up(supervisor: Supervisor) -> list[str]:
    """Starts all processes and waits until they answer. Returns lines that say how to sign in and what to do next.

    Raises `LaunchError` or `StopRequested`.
    """
    commands = parts()
    for name in (name for name in commands if name in EMBEDDED):
        supervisor.supervise(name, commands[name])
    supervisor.say("preparing the database")
    supervisor.run("migrate", [sys.executable, "manage.py", "migrate", "--verbosity", "0"])
    hints = supervisor.run("admin", [sys.executable, "-m", "tools.launch.admin"])
    if settings.DEBUG:
        supervisor.begin(DATABASES, [sys.executable, "manage.py", *TEST_DATABASES])
        supervisor.begin(PRODUCTS, [sys.executable, "manage.py", *SYNTHETIC_PRODUCTS])
    for name in (name for name in commands if name not in EMBEDDED):
        supervisor.supervise(name, commands[name])
    if settings.FETCH_MODELS:
        supervisor.launch("models", [sys.executable, "manage.py", "fetch_models"])
    supervisor.say(f"waiting for {', '.join(commands)}")
    _wait_for(list(commands), supervisor)
    if settings.DEBUG:
        supervisor.finish(DATABASES)
        supervisor.finish(PRODUCTS)
    return hints


def ready_line() -> str:
    """Returns one line with the addresses of all services."""
    words = (f"{name}={url}" for name, url in _services().items())
    return f"ready {addresses.url('web')} {' '.join(words)}"


def summary(hints: Sequence[str]) -> list[str]:
    """Returns the lines of a box: the addresses, how to sign in, and how to stop."""
    gateway, services = addresses.url("web"), _services()
    rows = [
        f"ML Proxy is ready at {gateway}/",
        f"API      {gateway}/api/docs/",
        f"Flower   {services['flower']}/",
        f"model    {services['ml_server']}",
        f"Redis    {services['redis']}",
        *hints,
        "stop with Ctrl-C",
    ]
    return box.around(rows)


def _services() -> dict[str, str]:
    return {
        "flower": addresses.url("flower"),
        "ml_server": addresses.without_credentials(settings.ML_SERVER_URL),
        "redis": address.read(settings.REDIS_URL).shown,
    }


def _wait_for(names: Sequence[str], supervisor: Supervisor) -> None:
    command = [sys.executable, "-m", "tools.launch.probe", "--seconds", str(READY_SECONDS), *names]
    try:
        supervisor.run("readiness", command)
    except LaunchError as exc:
        silent = [name for name in names if answers(name) not in exc.tail]
        tails = (
            f"\n{name} printed last:\n" + "\n".join(f"  {line}" for line in supervisor.tail(name)) for name in silent
        )
        raise LaunchError(f"{exc}{''.join(tails)}") from exc
