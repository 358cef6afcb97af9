"""Parses URLs that callers name, and the entries of allow-lists for them.

An entry is a host, with a port if it is not the scheme's default: `hooks.clinic.example`, `hooks.clinic.example:8443`,
`*.clinic.example` for every name below that one, `[2001:db8::1]:8443`. An entry requires TLS unless it says otherwise:
`http://hooks.clinic.example`.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

MAX_CHARACTERS = 2000
DEFAULT_PORTS = {"https": 443, "http": 80}

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


class NotAllowed(Exception):
    """A URL may not be called. The text says what to do and quotes nothing from the URL."""


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
    """What a URL leads to."""

    target: str  # path and query

    @property
    def url(self) -> str:
        """The URL in normalized form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def read_entry(text: str) -> Endpoint:
    """Parses one entry of an allow-list. Raises `ValueError`."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError("an entry is a host with an optional port")
    name = parts.hostname or ""
    wildcard = "*." if name.startswith("*.") else ""
    return Endpoint(parts.scheme, wildcard + _host(name.removeprefix(wildcard)), _port(parts))


def read_url(url: str) -> Destination:
    """Parses an absolute http or https URL without a user name or a fragment. Raises `NotAllowed`."""
    if len(url) > MAX_CHARACTERS:
        raise NotAllowed(f"must have at most {MAX_CHARACTERS} characters")
    if not _VISIBLE.fullmatch(url):  # `urlsplit` would silently drop tabs and line breaks
        raise NotAllowed("must be visible ASCII: percent-encode other characters and use the xn-- form of host names")
    if "#" in url:
        raise NotAllowed("must not have a fragment: remove the # and everything after it")
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise NotAllowed("must not contain a user name or password")
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return Destination(parts.scheme, _host(parts.hostname or ""), _port(parts), target)
    except ValueError:
        raise NotAllowed("must be an absolute URL such as https://host.clinic.example/path") from None


def is_address(text: str) -> bool:
    """Whether `text` is an IP address. One with a zone does not count: it has no meaning on another machine."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _host(text: str) -> str:
    if is_address(text):
        return str(ip_address(text))
    if not _NAME.fullmatch(text):
        raise ValueError("not a host name")
    return text


def _port(parts: SplitResult) -> int:
    if parts.scheme not in DEFAULT_PORTS or parts.port == 0:
        raise ValueError("the scheme is neither http nor https, or the port is 0")
    return parts.port or DEFAULT_PORTS[parts.scheme]
