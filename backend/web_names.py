"""Readers of host names and web origins, in the form in which Django and browsers compare them.

A value that Django would keep but never match is refused, or brought into the form that matches.
"""

import re
from ipaddress import ip_address

from backend import env

DEFAULT_PORTS = {"https": "443", "http": "80"}
_NAME = re.compile(r"\.?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_PORT = re.compile(r"(?P<host>.*?)(?::(?P<port>[0-9]{1,5}))?")
_HOSTS_FIX = "list host names such as clinic.example or .clinic.example (that and all names below it), with commas"
_ORIGINS_FIX = "list origins such as https://clinic.example, with commas"


def hosts(name: str) -> list[str]:
    """Hosts for Django's ALLOWED_HOSTS, which compares names without ports. Raises `BadSetting`."""
    return [item if item == "*" else _host_of(name, item, item, _HOSTS_FIX)[0] for item in env.items(name)]


def origins(name: str, *, may_be_wild: bool = False) -> list[str]:
    """Web origins as browsers send them, such as https://clinic.example:8443. Raises `BadSetting`.

    `may_be_wild`: https://*.clinic.example stands for all names below that one.
    """
    return [_origin(name, item, may_be_wild=may_be_wild) for item in env.items(name)]


def _origin(name: str, item: str, *, may_be_wild: bool) -> str:
    scheme, separator, rest = item.rstrip("/").partition("://")
    if not separator or scheme.lower() not in DEFAULT_PORTS:
        raise env.BadSetting(name, f"can't hold {env.quoted(item)}", _ORIGINS_FIX)
    wild = "*." if may_be_wild and rest.startswith("*.") else ""
    host, port = _host_of(name, item, rest.removeprefix(wild), _ORIGINS_FIX)
    scheme = scheme.lower()
    shown_port = "" if port in {None, DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{wild}{host}{shown_port}"


def _host_of(name: str, item: str, text: str, fix: str) -> tuple[str, str | None]:
    """The host in Django's form, with brackets around an IPv6 address, and the port if there is one."""
    if (bare := _ipv6(text)) is not None:
        return bare, None
    found = _PORT.fullmatch(text)
    host, port = (found["host"], found["port"]) if found else ("", None)
    known = _ipv6(host) if host.startswith("[") else _ascii(host)
    if not known or (port and not 1 <= int(port) <= 65535):
        raise env.BadSetting(name, f"can't hold {env.quoted(item)}", fix)
    return known, port


def _ipv6(text: str) -> str | None:
    try:
        found = ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return None
    return f"[{found}]" if found.version == 6 else str(found)


def _ascii(host: str) -> str | None:
    """A name in lower case and in the xn-- form, or None. Django refuses requests whose host has an underscore."""
    dot = "." if host.startswith(".") else ""
    try:
        found = dot + host.removeprefix(".").rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        return None
    return found if _NAME.fullmatch(found) else None
