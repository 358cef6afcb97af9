"""Reads the settings from the environment. An invalid one stops the start with one line that says how to fix it."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dotenv import load_dotenv

MIN_TOKEN_LENGTH = 32  # characters
DEFAULT_PORT = 9000
# What Kubernetes sets for a service that is named ml-server: the address of that service, not a port to listen on.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:[0-9]+")
MAX_BATCH = 256  # predictions
ROOT = Path(__file__).resolve().parent.parent
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("line", "json")

T = TypeVar("T")
Variables = Mapping[str, str | None]


class BadSetting(Exception):
    """An invalid variable. Its message names the variable, the problem and the fix."""

    def __init__(self, name: str, problem: str, fix: str) -> None:
        super().__init__(f"{name} {problem}: {fix}")


@dataclass(frozen=True)
class Settings:
    """The address to listen on, folders of models and images, log level and format, shared secret, batch size."""

    host: str
    port: int
    model_dir: Path
    image_dir: Path | None
    log_level: str
    log_format: str
    ml_server_token: str
    token_file: Path
    batch_size: int
    weights_dir: Path

    def token(self) -> str:
        """The secret shared with the gateway: the variable's, or the one that `make up` keeps in a file; or empty."""
        if self.ml_server_token:
            return self.ml_server_token
        try:
            return self.token_file.read_text().strip()
        except OSError:
            return ""


def settings_or_exit() -> Settings:
    """Reads the environment, and `.env` for variables that it lacks. Exits if a variable is invalid."""
    try:
        load_dotenv(ROOT / ".env", encoding="utf-8-sig")  # OpenTelemetry reads its own variables from the environment
        return read_settings(os.environ)
    except BadSetting as exc:
        sys.exit(str(exc))


def read_settings(variables: Variables) -> Settings:
    """Reads the addresses, folders, token, log and batch size from `variables`, as `.env.example` describes them.

    The default of `LOG_FORMAT` depends on `DEBUG`. A blank variable counts as missing.

    Raises:
        BadSetting: for the first invalid variable.
    """
    style = "line" if (variables.get("DEBUG") or "").strip() == "1" else "json"
    var_dir = _folder(variables, "VAR_DIR", "var")
    return Settings(
        host=_read(variables, "BIND_HOST", "127.0.0.1", str, "set it to an IP address of this machine"),
        port=_read(variables, "ML_SERVER_PORT", str(DEFAULT_PORT), _port, "set it to a whole number from 1 to 65535"),
        model_dir=var_dir / "models",
        image_dir=_read(variables, "IMAGE_DIR", "", _readable_folder, "set it to a readable folder, or leave it empty"),
        log_level=_read(
            variables, "LOG_LEVEL", "INFO", _one_of(LOG_LEVELS), f"set it to one of {', '.join(LOG_LEVELS)}"
        ),
        log_format=_read(variables, "LOG_FORMAT", style, _one_of(LOG_FORMATS), f"set it to {' or '.join(LOG_FORMATS)}"),
        ml_server_token=_token(variables),
        token_file=var_dir / "ml_server_token",
        weights_dir=ROOT / _read(variables, "IMAGE_MODELS_DIR", str(var_dir / "weights"), str, "set it to a folder"),
        batch_size=_read(
            variables, "PREDICT_BATCH_SIZE", "32", _batch_size, f"set it to a whole number from 1 to {MAX_BATCH}"
        ),
    )


def _read(variables: Variables, name: str, default: str, parse: Callable[[str], T], fix: str) -> T:
    text = (variables.get(name) or "").strip() or default
    try:
        return parse(text)
    except ValueError:
        raise BadSetting(name, f"can't be {text!r}", fix) from None


def _token(variables: Variables) -> str:
    """The message shows no secret."""
    token = (variables.get("ML_SERVER_TOKEN") or "").strip()
    if token and len(token) < MIN_TOKEN_LENGTH:
        problem = f"is too short, {len(token)} characters"
        raise BadSetting("ML_SERVER_TOKEN", problem, f"set it to {MIN_TOKEN_LENGTH} characters or more")
    return token


def _port(text: str) -> int:
    if _SERVICE_LINK.fullmatch(text):
        return DEFAULT_PORT
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


def _batch_size(text: str) -> int:
    size = int(text)
    if not 1 <= size <= MAX_BATCH:
        raise ValueError
    return size


def _readable_folder(text: str) -> Path | None:
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
    fix = "set it to a writable folder"
    path = ROOT / _read(variables, name, default, Path, fix)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise BadSetting(name, f"can't be {str(path)!r} ({exc.strerror})", fix) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadSetting(name, f"can't be {str(path)!r} (not writable)", fix)
    return path
