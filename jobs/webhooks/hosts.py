"""The allow-list of webhook hosts, CALLBACK_HOSTS, and the checks of a URL against it."""

from collections.abc import Iterable

from django.conf import settings

from common.outbound.addresses import is_public
from common.outbound.destinations import Destination, Endpoint, NotAllowed, is_address, read_entry, read_url


def may_be_called(address: str) -> bool:
    """Whether the settings permit webhooks to an IP address."""
    return settings.CALLBACK_ALLOW_PRIVATE or is_public(address)


def destination(url: str) -> Destination:
    """Parses `url` and checks that the settings allow it. Raises `NotAllowed`."""
    if not settings.CALLBACK_HOSTS:
        raise NotAllowed("can't be used: this gateway sends no webhooks, because CALLBACK_HOSTS is empty")
    target = read_url(url)
    _require_listed(target, [read_entry(entry) for entry in settings.CALLBACK_HOSTS])
    if is_address(target.host) and not may_be_called(target.host):
        raise NotAllowed("has a private address: use a host with a public address")
    return target


def _require_listed(found: Endpoint, entries: Iterable[Endpoint]) -> None:
    matching = [entry for entry in entries if entry.matches_host(found.host)]
    if any(entry.covers(found) for entry in matching):
        return
    if not matching:
        raise NotAllowed("has a host that is not allowed: use another, or have it added to CALLBACK_HOSTS")
    if found.scheme not in {entry.scheme for entry in matching}:
        raise NotAllowed(f"must start with {matching[0].scheme}://: CALLBACK_HOSTS lists this host with that scheme")
    raise NotAllowed("has a port that is not allowed for this host: use another, or have it added to CALLBACK_HOSTS")
