"""Health check: `python -m tools.launch.probe [--seconds S] PART…` exits with 0 if all parts answer."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import requests
from celery.utils.nodenames import host_format
from django.conf import settings
from django.utils.module_loading import import_string
from kombu.exceptions import KombuError
from redis import RedisError

from common import beat_liveness
from common.broker import BrokerUnavailable
from common.redis_server import clients
from recording.journal import liveness
from tools.launch import addresses, readiness

SECONDS = 2.0


class NoAnswer(Exception):
    """A part answered, but is not ready; the text contains the answer."""


NO_ANSWER = (
    NoAnswer,
    liveness.NoPublisher,
    beat_liveness.NoBeat,
    BrokerUnavailable,
    OSError,
    KombuError,
    RedisError,
    requests.RequestException,
)


def _http(name: str, path: str) -> None:
    session = requests.Session()
    session.trust_env = False  # no proxy for a connection to this machine
    with session.get(addresses.url(name) + path, timeout=SECONDS, allow_redirects=False) as answer:
        if answer.status_code != requests.codes.ok:
            raise NoAnswer(f"{answer.status_code} {answer.text[:500]}")


def _redis() -> None:
    with clients.connect(settings.REDIS_URL, seconds=SECONDS) as client:
        client.ping()


def _worker(name: str) -> None:
    control = import_string("worker.beat.app").control
    node = host_format(f"{name}@%h")
    if not control.ping(destination=[node], timeout=SECONDS):
        raise NoAnswer(f"no reply from {node}")


def _publisher() -> None:
    liveness.check(Path(settings.VAR_DIR) / "journal")


PROBES: dict[str, Callable[[], None]] = {
    "redis": _redis,
    "ml_server": partial(_http, "ml_server", "/api/v1/status"),
    "web": partial(_http, "web", "/readyz"),
    "publisher": _publisher,
    "worker-logs": partial(_worker, "logs"),
    "worker-jobs": partial(_worker, "jobs"),
    "beat": beat_liveness.check,
    "flower": partial(_http, "flower", "/healthcheck"),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("parts", nargs="+", choices=PROBES, metavar="PART")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    options = _arguments()
    silent = readiness.wait({name: PROBES[name] for name in options.parts}, options.seconds, NO_ANSWER)
    for name, reason in silent.items():
        print(f"no answer from {name} within {options.seconds:g} s: {reason}")
    sys.exit(bool(silent))
