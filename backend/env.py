"""A typed reader of the environment: one line that names the variable and the mend, or a value.

`.env` in the project's root is read first; what the environment itself says wins. Every reader raises `BadSetting`.
"""

import os
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dotenv import load_dotenv

ROOT = Path(__file__).resolve().parent.parent

T = TypeVar("T")


class BadSetting(Exception):
    """A variable that is missing or can't be used. Its text is one line: the variable, what is wrong, the mend."""

    def __init__(self, name: str, wrong: str, mend: str) -> None:
        super().__init__(f"{name} {wrong}: {mend}")


def load_env_file() -> None:
    """Adds what `.env` holds to the environment, without overriding what is there."""
    load_dotenv(ROOT / ".env")


def _read(name: str, default: T | None, parse: Callable[[str], T], mend: str) -> T:
    text = os.environ.get(name, "").strip()
    if not text:
        if default is None:
            raise BadSetting(name, "is not set", mend)
        return default
    try:
        return parse(text)
    except ValueError:
        raise BadSetting(name, f"can't be {text!r}", mend) from None


def switch(name: str, *, default: bool) -> bool:
    """`0` or `1`."""
    return _read(name, default, _switch, "set it to 0 or 1")


def text(name: str, default: str | None = None, *, mend: str = "set it") -> str:
    """Any text that is not blank."""
    return _read(name, default, str, mend)


def secret(name: str, *, at_least: int, make: str) -> str:
    """A text of `at_least` characters; its value is never shown. `make` is a command that prints a good one."""
    value = os.environ.get(name, "").strip()
    mend = f"set it to {at_least} characters or more, for example what `{make}` prints"
    if not value:
        raise BadSetting(name, "is not set", mend)
    if len(value) < at_least:
        raise BadSetting(name, f"is too short, {len(value)} characters", mend)
    return value


def choice(name: str, options: Sequence[str], *, default: str) -> str:
    """One of `options`."""
    return _read(name, default, lambda text: _one_of(text, options), f"set it to {' or '.join(options)}")


def number(name: str, default: float, *, least: float, most: float, unit: str) -> float:
    """A decimal number from `least` to `most`, in `unit`."""
    mend = f"set it to a number from {least:g} to {most:g}, in {unit}"
    return _read(name, default, lambda text: _within(float(text), least, most), mend)


def integer(name: str, default: int, *, least: int, most: int, unit: str) -> int:
    """A whole number from `least` to `most`, in `unit`."""
    mend = f"set it to a whole number from {least} to {most}, in {unit}"
    return _read(name, default, lambda text: int(_within(int(text), least, most)), mend)


def port(name: str, default: int) -> int:
    """A TCP port."""
    return integer(name, default, least=1, most=65535, unit="TCP ports")


def address(name: str, default: str) -> str:
    """An IP address to listen on."""
    return _read(
        name, default, lambda text: str(ip_address(text)), "set it to an IP address such as 127.0.0.1 or 0.0.0.0"
    )


def items(name: str) -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def origins(name: str) -> list[str]:
    """A comma-separated list of web origins, such as https://clinic.example:8443."""
    found = items(name)
    for item in found:
        parts = urlsplit(item)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
            raise BadSetting(name, f"can't hold {item!r}", "list origins such as https://clinic.example, with commas")
    return found


def url(name: str, default: str, *, schemes: Sequence[str]) -> str:
    """A URL of one of `schemes` with a host, without a trailing slash."""
    mend = f"set it to a URL such as {default}"
    return _read(name, default, lambda text: _url(text, schemes), mend)


def url_or_none(name: str, example: str, *, schemes: Sequence[str]) -> str:
    """The same; blank where it is not set."""
    return url(name, example, schemes=schemes) if text(name, "") else ""


def folder(name: str, default: Path) -> Path:
    """A folder, made when missing; relative paths start at the project's root."""
    path = ROOT / _read(name, default, Path, "set it to a folder this process may write to")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise BadSetting(
            name, f"can't be {str(path)!r} ({exc.strerror})", "set it to a folder this process may write to"
        ) from None
    return path


def _switch(text: str) -> bool:
    return _one_of(text, ("0", "1")) == "1"


def _one_of(text: str, options: Sequence[str]) -> str:
    if text not in options:
        raise ValueError
    return text


def _within(value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise ValueError
    return value


def _url(text: str, schemes: Sequence[str]) -> str:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
        raise ValueError
    return text.rstrip("/")
