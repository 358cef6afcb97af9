"""Keys that are given by the environment or, on one's own machine, made once and kept in the state folder."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from backend import env

LEAST_CHARACTERS = 32
MAKE_ONE = "openssl rand -hex 32"


def kept_secret(name: str, var_dir: Path, *, make_one: bool) -> str:
    """The secret `name`; where it is not set and `make_one`, the one kept in `var_dir`. Raises `BadSetting`."""
    if make_one and not os.environ.get(name, "").strip():
        return kept(var_dir / name.lower(), lambda: secrets.token_hex(32))
    return env.secret(name, at_least=LEAST_CHARACTERS, make=MAKE_ONE)


def kept(path: Path, make: Callable[[], str]) -> str:
    """What `path` holds; whichever process comes first writes what it makes whole before it takes its name."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process got there first
        finally:
            draft.unlink()
    return path.read_text().strip()
