"""Checks whether an address is on the public internet. `is_global` of the standard library is not enough.

It treats multicast as global, ignores IPv4 addresses embedded in IPv6, and older versions lack some of IANA's
special-purpose registries. So IPv6 must be in IANA's global unicast range, and embedded addresses are checked too.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_RELAYS = IPv4Network("192.88.99.0/24")  # RFC 7526: 6to4 relays
_PROTOCOLS = IPv4Network("192.0.0.0/24")  # RFC 6890: Python 3.11 treats most of it as global


def is_public(text: str) -> bool:
    """Whether the text is a public address; False if it is not an address."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_public_4(address) if isinstance(address, IPv4Address) else _is_public_6(address)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and address not in _RELAYS and address not in _PROTOCOLS


def _is_public_6(address: IPv6Address) -> bool:
    inner = _embedded(address)
    if inner is not None:
        return _is_public_4(inner)
    return address in _GLOBAL_UNICAST and address.is_global and address not in _DOCUMENTATION


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that would receive a packet to `address`."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
