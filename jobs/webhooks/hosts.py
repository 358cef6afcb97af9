"""The allow-list of webhook hosts, CALLBACK_HOSTS, and the checks of a URL against it.

An entry is a host, with a port if it is not the scheme's default: `hooks.clinic.example`, `hooks.clinic.example:8443`,
`*.clinic.example` for every name below that one, `[2001:db8::1]:8443`. An entry requires TLS unless it says otherwise:
`http://hooks.clinic.example`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from common.outbound.addresses import is_public

MAX_CHARACTERS = 2000
DEFAULT_PORTS = {"https": 443, "http": 80}

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


class NotAllowed(Exception):
    """A URL can't be used for a webhook. The text says what to do and quotes nothing from the URL."""


@dataclass(frozen=True)
class Endpoint:
    """Where to connect: `http` or `https`, a lower-case name or an IP address, and a TCP port."""

    scheme: str
    host: str
    port: int

    def covers(self, other: "Endpoint") -> bool:
        """Whether this allow-list entry permits `other`."""
        return (self.scheme, self.port) == (other.scheme, other.port) and self.matches_host(other.host)

    def matches_host(self, host: str) -> bool:
        """Whether this entry is for `host`, on any port."""
        return host == self.host or (self.host.startswith("*.") and host.endswith(self.host[1:]))


@dataclass(frozen=True)
class Destination(Endpoint):
    """The destination of one webhook."""

    target: str  # path and query

    @property
    def url(self) -> str:
        """The URL in normalized form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def may_be_called(address: str) -> bool:
    """Whether the settings permit webhooks to an IP address."""
    return settings.CALLBACK_ALLOW_PRIVATE or is_public(address)


def read_entry(text: str) -> Endpoint:
    """Parses one entry of CALLBACK_HOSTS. Raises `ValueError`."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError("an entry is a host with an optional port")
    name = parts.hostname or ""
    wildcard = "*." if name.startswith("*.") else ""
    return Endpoint(parts.scheme, wildcard + _host(name.removeprefix(wildcard)), _port(parts))


def destination(url: str) -> Destination:
    """Parses `url` and checks that the settings allow it. Raises `NotAllowed`."""
    if not settings.CALLBACK_HOSTS:
        raise NotAllowed("can't be used: this gateway sends no webhooks, because CALLBACK_HOSTS is empty")
    target = _read(url)
    _require_listed(target, [read_entry(entry) for entry in settings.CALLBACK_HOSTS])
    if _is_address(target.host) and not may_be_called(target.host):
        raise NotAllowed("has a private address: use a host with a public address")
    return target


def _read(url: str) -> Destination:
    if len(url) > MAX_CHARACTERS:
        raise NotAllowed(f"must have at most {MAX_CHARACTERS} characters")
    if not _VISIBLE.fullmatch(url):  # `urlsplit` would silently drop tabs and line breaks
        raise NotAllowed("must be visible ASCII: percent-encode other characters and use the xn-- form of host names")
    if "#" in url:
        raise NotAllowed("must not have a fragment: remove the # and everything after it")
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise NotAllowed("must not contain a user name or password: the signature identifies the sender")
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return Destination(parts.scheme, _host(parts.hostname or ""), _port(parts), target)
    except ValueError:
        raise NotAllowed("must be an absolute URL such as https://hooks.clinic.example/jobs") from None


def _require_listed(found: Endpoint, entries: Iterable[Endpoint]) -> None:
    matching = [entry for entry in entries if entry.matches_host(found.host)]
    if any(entry.covers(found) for entry in matching):
        return
    if not matching:
        raise NotAllowed("has a host that is not allowed: use another, or have it added to CALLBACK_HOSTS")
    if found.scheme not in {entry.scheme for entry in matching}:
        raise NotAllowed(f"must start with {matching[0].scheme}://: CALLBACK_HOSTS lists this host with that scheme")
    raise NotAllowed("has a port that is not allowed for this host: use another, or have it added to CALLBACK_HOSTS")


def _host(text: str) -> str:
    if _is_address(text):
        return str(ip_address(text))
    if not _NAME.fullmatch(text):
        raise ValueError("not a host name")
    return text


def _is_address(text: str) -> bool:
    """Whether `text` is an IP address. One with a zone does not count: it has no meaning on another machine."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _port(parts: SplitResult) -> int:
    if parts.scheme not in DEFAULT_PORTS or parts.port == 0:
        raise ValueError("the scheme is neither http nor https, or the port is 0")
    return parts.port or DEFAULT_PORTS[parts.scheme]
