"""Fetches a caller's picture by its URL, which may be an attack on what is reachable from here.

Only public addresses, on the ports 80 and 443. The name is resolved once, and the address that was checked is the one
that is connected to. No redirects, no cookies, no credentials. IMAGE_HOSTS lists hosts that are exempt from the
checks of address and port, such as a storage within one's own network.
"""

from contextlib import closing

import requests
from django.conf import settings

from common.exceptions import FieldError
from common.outbound import bodies, sessions
from common.outbound.addresses import is_public
from common.outbound.deadline import budget
from common.outbound.destinations import DEFAULT_PORTS, Destination, NotAllowed, is_address, read_entry, read_url
from common.outbound.exceptions import AddressNotAllowed, ResponseTooLarge
from common.outbound.network import INTERNET, Network
from imaging.exceptions import PictureNotFetched, PictureUnreachable

CONNECT_SECONDS = 5.0  # to resolve a name and try all of its addresses
HEAD_BYTES = 64 * 1024
FIELDS = {
    "Accept": "image/jpeg, image/png, image/webp, image/gif",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


def fetch(url: str, pointer: str, network: Network = INTERNET) -> bytes:
    """The bytes at the URL, at most IMAGE_MAX_BYTES. `pointer` is the URL's place in the request, for its errors.

    Raises `PictureNotFetched`, whose text quotes neither the URL nor what came back.
    """
    try:
        return _get(_destination(url), network)
    except NotAllowed as exc:
        raise _refusal(pointer, str(exc)) from exc
    except AddressNotAllowed as exc:
        raise _refusal(pointer, "has a host without a public address: use one that the internet can reach") from exc
    except ResponseTooLarge as exc:
        raise _refusal(pointer, f"returns more than {settings.IMAGE_MAX_BYTES} bytes (IMAGE_MAX_BYTES)") from exc
    except requests.Timeout as exc:
        seconds = f"{settings.IMAGE_FETCH_SECONDS:g}"
        detail = f"did not return the picture within {seconds} s (IMAGE_FETCH_SECONDS)"
        raise _refusal(pointer, detail, PictureUnreachable) from exc
    except requests.RequestException as exc:
        raise _refusal(pointer, f"can't be reached ({type(exc).__name__})", PictureUnreachable) from exc


def check_url(url: str, pointer: str) -> None:
    """Refuses a URL that `fetch` would not even connect to. Raises `PictureNotFetched`."""
    try:
        _destination(url)
    except NotAllowed as exc:
        raise _refusal(pointer, str(exc)) from exc


def _destination(url: str) -> Destination:
    """Raises `NotAllowed`."""
    found = read_url(url)
    if not _is_listed(found):
        if found.port != DEFAULT_PORTS[found.scheme]:
            raise NotAllowed("must use the port 443, or 80 with http")
        if is_address(found.host) and not is_public(found.host):
            raise NotAllowed("has an address that is not public")
    return found


def _is_listed(found: Destination) -> bool:
    return any(read_entry(entry).covers(found) for entry in settings.IMAGE_HOSTS)


def any_address(_: str) -> bool:
    """Permits each address, for the hosts of IMAGE_HOSTS."""
    return True


def _get(target: Destination, network: Network) -> bytes:
    session = sessions.callers_urls(any_address if _is_listed(target) else is_public, network)
    most_bytes = settings.IMAGE_MAX_BYTES + HEAD_BYTES
    limits = budget(settings.IMAGE_FETCH_SECONDS, connect=CONNECT_SECONDS, most_bytes=most_bytes)
    response = session.send(session.prepared("GET", target.url, FIELDS), stream=True, timeout=limits)
    with closing(response):
        _require_picture(response)
        return bodies.read_body(response, settings.IMAGE_MAX_BYTES)


def _require_picture(response: requests.Response) -> None:
    """Raises `NotAllowed`. The Content-Type does not matter: the bytes are looked at later."""
    if response.is_redirect or 300 <= response.status_code < 400:
        raise NotAllowed("redirects: use the URL that it leads to")
    if response.status_code != requests.codes.ok:
        raise NotAllowed(f"returns HTTP {response.status_code} instead of a picture")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise NotAllowed("returns a body with a Content-Encoding, which was not asked for")


def _refusal(pointer: str, detail: str, error: type[PictureNotFetched] = PictureNotFetched) -> PictureNotFetched:
    return error(f"The picture's URL {detail}.", field_errors=[FieldError(pointer, detail)])
