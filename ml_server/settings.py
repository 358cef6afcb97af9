"""The environment, read once. What can't be used ends the start with one line: variable, what is wrong, mend."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dotenv import load_dotenv

ROOT = Path(__file__).resolve().parent.parent
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("line", "json")

T = TypeVar("T")
Variables = Mapping[str, str | None]


class BadSetting(Exception):
    """A variable that can't be used."""

    def __init__(self, name: str, wrong: str, mend: str) -> None:
        super().__init__(f"{name} {wrong}: {mend}")


@dataclass(frozen=True)
class Settings:
    """Where to listen, where the models live, where pictures may be read from, how much to log and how."""

    host: str
    port: int
    models: Path
    images: Path | None
    log_level: str
    log_format: str


def settings_or_exit() -> Settings:
    """From the environment, and from `.env` where that lacks one; ends the process where one can't be used."""
    try:
        load_dotenv(ROOT / ".env")  # into the environment, where OpenTelemetry looks for its own
        return read_settings(os.environ)
    except BadSetting as exc:
        sys.exit(str(exc))


def read_settings(variables: Variables) -> Settings:
    """Reads `BIND_HOST`, `ML_SERVER_PORT`, `VAR_DIR`, `IMAGE_DIR`, `LOG_LEVEL` and `LOG_FORMAT`.

    `DEBUG` decides the last one's default. A blank one counts as missing.

    Raises:
        BadSetting: for the first one that can't be used.
    """
    style = "line" if (variables.get("DEBUG") or "").strip() == "1" else "json"
    return Settings(
        host=_read(variables, "BIND_HOST", "127.0.0.1", str, "set it to an address of this machine"),
        port=_read(variables, "ML_SERVER_PORT", "9000", _port, "set it to a whole number from 1 to 65535"),
        models=_folder(variables, "VAR_DIR", "var") / "models",
        images=_read(
            variables, "IMAGE_DIR", "", _readable, "set it to a folder that this process may read, or to nothing"
        ),
        log_level=_read(
            variables, "LOG_LEVEL", "INFO", _one_of(LOG_LEVELS), f"set it to one of {', '.join(LOG_LEVELS)}"
        ),
        log_format=_read(variables, "LOG_FORMAT", style, _one_of(LOG_FORMATS), f"set it to {' or '.join(LOG_FORMATS)}"),
    )


def _read(variables: Variables, name: str, default: str, parse: Callable[[str], T], mend: str) -> T:
    text = (variables.get(name) or "").strip() or default
    try:
        return parse(text)
    except ValueError:
        raise BadSetting(name, f"can't be {text!r}", mend) from None


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


def _readable(text: str) -> Path | None:
    path = ROOT / text
    if text and not (path.is_dir() and os.access(path, os.R_OK | os.X_OK)):
        raise ValueError
    return path if text else None


def _one_of(options: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in options:
            raise ValueError
        return text

    return parse


def _folder(variables: Variables, name: str, default: str) -> Path:
    mend = "set it to a folder this process may write to"
    path = ROOT / _read(variables, name, default, Path, mend)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise BadSetting(name, f"can't be {str(path)!r} ({exc.strerror})", mend) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadSetting(name, f"can't be {str(path)!r} (not writable)", mend)
    return path
