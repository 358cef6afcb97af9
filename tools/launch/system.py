"""What this machine's system consists of, and the order in which it comes up and goes down."""

import os
import sys
from collections.abc import Mapping, Sequence

from django.conf import settings

from tools.launch import addresses, ports, procfile, redis
from tools.launch.exceptions import Failed
from tools.launch.readiness import answers
from tools.launch.supervisor import Supervisor

EMBEDDED = {"redis": "REDIS_URL", "ml_server": "ML_SERVER_URL"}
READY_SECONDS = 120
WORKER_SECONDS = 20
SPARE_SECONDS = 5


def parts() -> dict[str, list[str]]:
    """The commands of the Procfile that are ours to run: not those that a URL puts in another's hands."""
    ours = procfile.read()
    for name, variable in EMBEDDED.items():
        if os.environ.get(variable, "").strip():
            ours.pop(name, None)
    return ours


def web_stop_seconds() -> int:
    """How long the gateway may take to stop: as long as a prediction may that came in just before."""
    return int(settings.UPSTREAM_TOTAL_SECONDS) + SPARE_SECONDS


def stop_stages() -> list[Mapping[str, float]]:
    """Who stops after whom, with seconds of grace: nobody before those that still need it."""
    workers = dict.fromkeys(("worker-logs", "worker-jobs"), WORKER_SECONDS)
    return [
        {"web": web_stop_seconds() + SPARE_SECONDS},
        {"publisher": SPARE_SECONDS},  # what was journaled last still reaches the workers
        {**workers, "beat": SPARE_SECONDS, "flower": SPARE_SECONDS},
        {"ml_server": SPARE_SECONDS},
        {"redis": 2 * SPARE_SECONDS},
    ]


def check() -> None:
    """Raises `BadSetting` for what would keep a part from starting, as far as it can be seen beforehand."""
    names = list(parts())
    if "redis" in names:
        redis.server()
    ports.check_free(names)


def bring_up(supervisor: Supervisor) -> None:
    """Starts every part and waits until all of them answer. Raises `Failed` or `StopRequested`."""
    commands = parts()
    for name in (name for name in commands if name in EMBEDDED):
        supervisor.keep(name, commands[name])
    supervisor.say("preparing the database")
    supervisor.run("migrate", [sys.executable, "manage.py", "migrate", "--verbosity", "0"])
    supervisor.run("admin", [sys.executable, "-m", "tools.launch.admin"])
    for name in (name for name in commands if name not in EMBEDDED):
        supervisor.keep(name, commands[name])
    supervisor.say(f"waiting for {', '.join(commands)}")
    _wait_for(list(commands), supervisor)


def ready_line() -> str:
    """One line with the addresses of what is run or used."""
    named = {
        "flower": addresses.url("flower"),
        "ml_server": settings.ML_SERVER_URL,
        "redis": settings.REDIS_URL,
    }
    words = (f"{name}={addresses.shown(url)}" for name, url in named.items())
    return f"ready {addresses.url('web')} {' '.join(words)}"


def _wait_for(names: Sequence[str], supervisor: Supervisor) -> None:
    command = [sys.executable, "-m", "tools.launch.probe", "--seconds", str(READY_SECONDS), *names]
    try:
        supervisor.run("readiness", command)
    except Failed as exc:
        silent = [name for name in names if answers(name) not in exc.tail]
        tails = (
            f"\n{name} printed last:\n" + "\n".join(f"  {line}" for line in supervisor.tail(name)) for name in silent
        )
        raise Failed(f"{exc}{''.join(tails)}") from exc
