"""Keys that are given by the environment or, on one's own machine, made once and kept in the state folder."""

import os
import secrets
from pathlib import Path

from backend import env

LEAST_CHARACTERS = 32
MAKE_ONE = "openssl rand -hex 32"


def kept_secret(name: str, var_dir: Path, *, make_one: bool) -> str:
    """The secret `name`; where it is not set and `make_one`, the one kept in `var_dir`. Raises `BadSetting`."""
    if make_one and not os.environ.get(name, "").strip():
        return _kept(var_dir / name.lower())
    return env.secret(name, at_least=LEAST_CHARACTERS, make=MAKE_ONE)


def _kept(path: Path) -> str:
    """What `path` holds; whichever process comes first writes it whole before it takes its name."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process got there first
        finally:
            draft.unlink()
    return path.read_text().strip()
