"""Takes the user and password out of URLs, also if they hold reserved characters that nobody percent-encoded.

A generated password may hold `/`, `?`, `#` or `@`. `urlsplit` ends the host at the first of them, and so puts a part of
the password where a host, a port or an error message shows it.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import quote, unquote

T = TypeVar("T")

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def split(rest: str, read: Callable[[str], T]) -> tuple[str, str, T]:
    """The user, the password and what `read` makes of what follows them in `rest`, a URL without its scheme.

    The reading of RFC 3986 comes first. If it makes no sense, a later `@` may end the password. `read` raises
    `ValueError` for text that is no host, path and query; its last one is raised if no reading makes sense.
    """
    problem = ValueError("can't be read")
    for userinfo, target in _readings(rest):
        try:
            found = read(target)
        except ValueError as exc:
            problem = exc
            continue
        user, _, password = userinfo.partition(":")
        return unquote(user), unquote(password), found
    raise problem


def encoded(url: str, read: Callable[[str], object]) -> str:
    """The same URL with its user and password percent-encoded. Raises `ValueError` as `split` does."""
    if not (scheme := SCHEME.match(url)):
        raise ValueError("has no scheme")
    targets: list[str] = []

    def keep(target: str) -> None:
        read(target)
        targets.append(target)

    user, password, _ = split(url[scheme.end() :], keep)
    return f"{scheme[0]}{joined(user, password)}{targets[0]}"


def joined(user: str, password: str) -> str:
    """What stands before the host: `user:password@`, percent-encoded, or nothing."""
    if not user and not password:
        return ""
    return f"{quote(user, safe='')}{':' if password else ''}{quote(password, safe='')}@"


def _readings(rest: str) -> Iterator[tuple[str, str]]:
    """User information and target, in the order of preference."""
    end = next((index for index, character in enumerate(rest) if character in "/?#"), len(rest))
    userinfo, _, host = rest[:end].rpartition("@")
    yield userinfo, host + rest[end:]
    for found in reversed(list(re.finditer("@", rest))):
        if found.start() > end:
            yield rest[: found.start()], rest[found.end() :]
