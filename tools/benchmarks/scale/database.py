"""Starts a PostgreSQL for the benchmark, and sets up Django for it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import django

from tests.support.postgres import Postgres

SEAL_KEY = "the key of a log for benchmarks only"
NAME = "scale"


@contextmanager
def running_database(folder: Path) -> Iterator[Postgres]:
    """Runs the server with its data in `folder` and a database `NAME`, and sets up Django in this process."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not (folder / "postgres").exists()
    with closing(Postgres(folder / "postgres")) as postgres:
        url = postgres.make_database(NAME) if is_new else postgres.url_of(NAME)
        set_up(environment(folder / "var", url))
        yield postgres


def environment(state: Path, url: str) -> dict[str, str]:
    """Returns the settings of a gateway outside DEBUG."""
    return {
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_hex(32),
        "SEAL_KEY": SEAL_KEY,
        "ALLOWED_HOSTS": "testserver",
        "LOG_LEVEL": "WARNING",
        "RATE_LIMITS": "off",  # one caller reads more pages a second than they allow
        "VAR_DIR": str(state),
        "DATABASE_URL": url,
    }


def set_up(settings: dict[str, str]) -> None:
    """Sets up Django. Child processes inherit the settings through the environment."""
    os.environ |= settings
    django.setup()
