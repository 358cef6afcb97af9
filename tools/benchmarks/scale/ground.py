"""Where it happens: a PostgreSQL of its own, a state folder beside it, and Django set up for both."""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import django

from tests.support.postgres import Postgres

SEAL_KEY = "the key of a log that is made to be measured"
NAME = "scale"


@contextmanager
def standing(folder: Path) -> Iterator[Postgres]:
    """The server whose data are in `folder`, with a database named `NAME`, and Django in this process set up for it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not (folder / "postgres").exists()
    with closing(Postgres(folder / "postgres")) as postgres:
        url = postgres.make_database(NAME) if is_new else postgres.url_of(NAME)
        set_up(environment(folder / "var", url))
        yield postgres


def environment(state: Path, url: str) -> dict[str, str]:
    """The settings of a gateway outside DEBUG."""
    return {
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_hex(32),
        "SEAL_KEY": SEAL_KEY,
        "ALLOWED_HOSTS": "testserver",
        "LOG_LEVEL": "WARNING",
        "VAR_DIR": str(state),
        "DATABASE_URL": url,
    }


def set_up(settings: dict[str, str]) -> None:
    """Sets Django up; what this process starts later finds the same settings in its environment."""
    os.environ |= settings
    django.setup()
