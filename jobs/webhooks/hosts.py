"""Where call-backs may go: CALLBACK_HOSTS, and what a URL must be like to be covered by it.

An entry is a host, with a port where it is not the scheme's own: `hooks.clinic.example`, `hooks.clinic.example:8443`,
`*.clinic.example` for every name below that one, `[2001:db8::1]:8443`. TLS is asked for, unless the entry itself says
otherwise: `http://hooks.clinic.example`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from common.outbound.addresses import is_public

MOST_CHARACTERS = 2000
DEFAULT_PORTS = {"https": 443, "http": 80}

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


class NotAllowed(Exception):
    """A URL can't be called back. The text says what to do, and quotes nothing of the URL."""


@dataclass(frozen=True)
class Endpoint:
    """What is connected to: `http` or `https`, a name in lower case or an address, a TCP port."""

    scheme: str
    host: str
    port: int

    def covers(self, other: "Endpoint") -> bool:
        """Whether this entry of the allow-list lets `other` be called."""
        return (self.scheme, self.port) == (other.scheme, other.port) and self.names(other.host)

    def names(self, host: str) -> bool:
        """Whether this entry is for `host`, on whatever port."""
        return host == self.host or (self.host.startswith("*.") and host.endswith(self.host[1:]))


@dataclass(frozen=True)
class Destination(Endpoint):
    """Where one call-back goes."""

    target: str  # path and query

    @property
    def url(self) -> str:
        """The URL in the one form that this side uses."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def may_be_called(address: str) -> bool:
    """Whether the settings let a call-back go to an IP address."""
    return settings.CALLBACK_ALLOW_PRIVATE or is_public(address)


def read_entry(text: str) -> Endpoint:
    """One entry of CALLBACK_HOSTS. Raises `ValueError`."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError("an entry is a host, and a port")
    name = parts.hostname or ""
    wildcard = "*." if name.startswith("*.") else ""
    return Endpoint(parts.scheme, wildcard + _host(name.removeprefix(wildcard)), _port(parts))


def destination(url: str) -> Destination:
    """Where `url` leads, which the settings allow. Raises `NotAllowed`."""
    if not settings.CALLBACK_HOSTS:
        raise NotAllowed("can't be used here: this gateway makes no call-backs, for CALLBACK_HOSTS names no host")
    found = _read(url)
    _require_listed(found, [read_entry(entry) for entry in settings.CALLBACK_HOSTS])
    if _is_address(found.host) and not may_be_called(found.host):
        raise NotAllowed("names a private address: name a host that is reachable from outside")
    return found


def _read(url: str) -> Destination:
    if len(url) > MOST_CHARACTERS:
        raise NotAllowed(f"must have {MOST_CHARACTERS} characters or less")
    if not _VISIBLE.fullmatch(url):  # `urlsplit` would drop tabs and line ends in silence
        raise NotAllowed("must be visible ASCII: percent-encode the rest, and write a host's name in its xn-- form")
    if "#" in url:
        raise NotAllowed("must have no fragment: leave out the # and what follows")
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise NotAllowed("must hold no user name or password: the signature says who calls")
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return Destination(parts.scheme, _host(parts.hostname or ""), _port(parts), target)
    except ValueError:
        raise NotAllowed("must be a whole URL such as https://hooks.clinic.example/jobs") from None


def _require_listed(found: Endpoint, entries: Iterable[Endpoint]) -> None:
    named = [entry for entry in entries if entry.names(found.host)]
    if any(entry.covers(found) for entry in named):
        return
    if not named:
        raise NotAllowed("names a host that is not allowed: use another, or have it added to CALLBACK_HOSTS")
    if found.scheme not in {entry.scheme for entry in named}:
        raise NotAllowed(f"must begin with {named[0].scheme}://, for that is how CALLBACK_HOSTS has this host")
    raise NotAllowed("names a port that is not allowed for this host: use another, or have it added to CALLBACK_HOSTS")


def _host(text: str) -> str:
    if _is_address(text):
        return str(ip_address(text))
    if not _NAME.fullmatch(text):
        raise ValueError("no name of a host")
    return text


def _is_address(text: str) -> bool:
    """Addresses with a zone are none: they mean nothing to another machine."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _port(parts: SplitResult) -> int:
    if parts.scheme not in DEFAULT_PORTS or parts.port == 0:
        raise ValueError("neither http nor https, or no port")
    return parts.port or DEFAULT_PORTS[parts.scheme]
