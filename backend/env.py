"""Typed readers of environment variables.

`.env` in the project's root is read too; the environment overrides it. Every reader raises `BadSetting`.
"""

import errno
import os
import re
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dotenv import load_dotenv

from common import url_credentials

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024  # bytes
WRITABLE = "set it to a folder this process may write to, with all files in it"

T = TypeVar("T")

# User information, a query, or what stands where a port should be: a URL whose password has reserved characters.
_MAY_BE_SECRET = re.compile(r"@|://[^/]*:(?![0-9]{1,5}(/|$))|://.*[?#]")
# What Kubernetes sets for each service of a namespace, REDIS_PORT for one that is named redis.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:[0-9]+")


class BadSetting(Exception):
    """A variable is missing or unusable. The message is one line: the variable, the problem, the fix."""

    def __init__(self, name: str, problem: str, fix: str) -> None:
        super().__init__(f"{name} {problem}: {fix}")


def load_env_file() -> None:
    """Adds the variables of `.env` to the environment; does not override existing ones."""
    try:
        load_dotenv(ROOT / ".env", encoding="utf-8-sig")  # some editors begin the file with a byte order mark
    except OSError as exc:
        raise BadSetting(".env", f"can't be read ({exc.strerror})", "give this user the right to read it") from None
    except UnicodeDecodeError:
        raise BadSetting(".env", "can't be read as UTF-8", "save it in this encoding") from None


def require_utf8() -> None:
    """Raises `BadSetting` if this process would write names of files and people in another encoding."""
    found = sys.getfilesystemencoding()
    if found != "utf-8":
        name = next((each for each in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(each)), "LANG")
        fix = "set it to a locale in UTF-8 such as C.UTF-8, or set PYTHONUTF8=1"
        raise BadSetting(name, f"can't be {os.environ.get(name)!r}, which means the encoding {found}", fix)


def _read(name: str, default: T | None, parse: Callable[[str], T], fix: str) -> T:
    text = os.environ.get(name, "").strip()
    if not text:
        if default is None:
            raise BadSetting(name, "is not set", fix)
        return default
    try:
        return parse(text)
    except ValueError:
        raise BadSetting(name, f"can't be {quoted(text)}", fix) from None


def quoted(text: str) -> str:
    """The text in quotes, for an error. A text that may hold a password is not shown."""
    return "that URL, which is not shown because it may hold a password" if _MAY_BE_SECRET.search(text) else repr(text)


def switch(name: str, *, default: bool) -> bool:
    """`0` or `1`."""
    return _read(name, default, _switch, "set it to 0 or 1")


def text(name: str, default: str | None = None, *, fix: str = "set it") -> str:
    """Any text that is not blank."""
    return _read(name, default, str, fix)


def secret(name: str, *, min_length: int, command: str) -> str:
    """A text of at least `min_length` characters, never shown in errors. `command` prints a suitable one."""
    value = os.environ.get(name, "").strip()
    fix = f"set it to {min_length} characters or more, for example what `{command}` prints"
    if not value:
        raise BadSetting(name, "is not set", fix)
    if len(value) < min_length:
        raise BadSetting(name, f"is too short, {len(value)} characters", fix)
    return value


def choice(name: str, options: Sequence[str], *, default: str) -> str:
    """One of `options`."""
    return _read(name, default, lambda text: _one_of(text, options), f"set it to {' or '.join(options)}")


def number(name: str, default: float, *, minimum: float, maximum: float, unit: str) -> float:
    """A decimal number from `minimum` to `maximum`, in `unit`."""
    fix = f"set it to a number from {minimum:g} to {maximum:g}, in {unit}"
    return _read(name, default, lambda text: _within(float(text), minimum, maximum), fix)


def integer(name: str, default: int, *, minimum: int, maximum: int, unit: str) -> int:
    """A whole number from `minimum` to `maximum`, in `unit`."""
    fix = f"set it to a whole number from {minimum} to {maximum}, in {unit}"
    return _read(name, default, lambda text: int(_within(int(text), minimum, maximum)), fix)


def decimal(name: str, *, maximum: int, unit: str) -> Decimal:
    """A decimal number from 0 to `maximum` with at most 6 decimal places, in `unit`; 0 if it is not set."""
    fix = f"set it to a number from 0 to {maximum} with at most 6 decimal places, in {unit}"
    return _read(name, Decimal(0), lambda text: _decimal(text, maximum), fix)


def port(name: str, default: int) -> int:
    """A TCP port. The default counts if Kubernetes has set the variable to the address of a service."""
    if _SERVICE_LINK.fullmatch(os.environ.get(name, "").strip()):
        return default
    return integer(name, default, minimum=1, maximum=65535, unit="TCP ports")


def address(name: str, default: str) -> str:
    """An IP address to listen on."""
    return _read(
        name, default, lambda text: str(ip_address(text)), "set it to an IP address such as 127.0.0.1 or 0.0.0.0"
    )


def items(name: str) -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def url(name: str, default: str, *, schemes: Sequence[str], may_name_user: bool = False) -> str:
    """A URL of one of `schemes` with a host, without a trailing slash.

    `may_name_user`: its user and password are sent, by HTTP Basic. Otherwise it is refused with them.
    """
    fix = f"set it to a URL such as {default}"
    found = _read(name, default, lambda text: _url(text, schemes), fix)
    if "@" in found and not may_name_user:
        raise BadSetting(name, "names a user, which would not be sent", "remove the user and the password from it")
    return found


def url_or_none(name: str, example: str, *, schemes: Sequence[str], may_name_user: bool = False) -> str:
    """As `url`; blank if the variable is not set."""
    return url(name, example, schemes=schemes, may_name_user=may_name_user) if text(name, "") else ""


def folder(name: str, default: Path, *, may_be_read_only: bool = False) -> Path:
    """A folder, created if missing. Relative paths start at the project's root."""
    path = ROOT / _read(name, default, Path, WRITABLE)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise unusable(name, path, exc) from None
    rights = os.R_OK | os.X_OK | (0 if may_be_read_only else os.W_OK)
    if not os.access(path, rights, effective_ids=True):
        raise unusable(name, path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return path


def unusable(name: str, path: Path, exc: OSError) -> BadSetting:
    """The error for a folder, or a file in it, that this process can't use."""
    return BadSetting(name, f"can't be used, {path} ({exc.strerror})", WRITABLE)


def _switch(text: str) -> bool:
    return _one_of(text, ("0", "1")) == "1"


def _one_of(text: str, options: Sequence[str]) -> str:
    if text not in options:
        raise ValueError
    return text


def _within(value: float, minimum: float, maximum: float) -> float:
    if not minimum <= value <= maximum:
        raise ValueError
    return value


def _decimal(text: str, maximum: int) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) or Decimal(text) > maximum:
        raise ValueError
    return Decimal(text)


def _url(text: str, schemes: Sequence[str]) -> str:
    """The URL with its user and password, if any, percent-encoded."""
    if text.partition("://")[0].lower() not in schemes:
        raise ValueError
    return url_credentials.encoded(text, _check_target).rstrip("/")


def _check_target(target: str) -> None:
    """Refuses what is no host with an optional port and path: paths are appended to it."""
    parts = urlsplit(f"//{target}")
    if not parts.hostname or parts.port == 0 or "@" in target or any(mark in target for mark in "?# "):
        raise ValueError
