"""Secrets from the environment or, under DEBUG, generated once and kept in the state folder."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from backend import env

MIN_LENGTH = 32  # characters
COMMAND = "openssl rand -hex 32"


def secret_key(name: str, var_dir: Path, *, may_create: bool) -> str:
    """The key in the variable `name`. If it is not set and `may_create`, the key kept in `var_dir`.

    Raises `BadSetting`.
    """
    if may_create and not os.environ.get(name, "").strip():
        file = var_dir / name.lower()
        try:
            return read_or_create(file, lambda: secrets.token_hex(32))
        except OSError as exc:
            raise env.unusable("VAR_DIR", file, exc) from None
    return env.secret(name, min_length=MIN_LENGTH, command=COMMAND)


def read_or_create(path: Path, generate: Callable[[], str]) -> str:
    """The text of `path`. If the file does not exist, one process creates it and all processes read the same text."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(generate())
        try:
            os.link(draft, path)  # the file is complete before it has its name
        except FileExistsError:
            pass  # another process got there first
        finally:
            draft.unlink()
    return path.read_text().strip()
