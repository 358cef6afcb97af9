"""The caller's address: the peer's, or what our own proxy wrote."""

from typing import Any

import pytest
from django.http import HttpRequest
from pytest_django import Settings

from common.client_address import client_address, client_network, is_loopback


def asked(**meta: Any) -> HttpRequest:
    request = HttpRequest()
    request.META = meta
    return request


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.1", None, False, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", False, "192.0.2.1"),  # the caller wrote it
        ("10.0.0.2", "203.0.113.9", True, "203.0.113.9"),
        ("10.0.0.2", "1.1.1.1, 2.2.2.2,203.0.113.9", True, "203.0.113.9"),  # the first two are the caller's own
        ("10.0.0.2", None, True, "10.0.0.2"),
        ("10.0.0.2", "203.0.113.9:50123", True, "203.0.113.9"),
        ("10.0.0.2", "[2001:db8::1]:50123", True, "2001:db8::1"),
        ("10.0.0.2", "unknown", True, ""),
        ("::ffff:192.0.2.1", None, False, "192.0.2.1"),
        ("", None, False, ""),
    ],
)
def test_the_address(settings: Settings, peer: str, forwarded: str | None, trusted: bool, address: str) -> None:
    settings.TRUST_PROXY = trusted
    meta = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {})
    assert client_address(asked(**meta)) == address


def test_addresses_of_one_ipv6_subscriber_are_one_network(settings: Settings) -> None:
    settings.TRUST_PROXY = False
    one, other, stranger = (f"2001:db8:0:{subnet}::{host}" for subnet, host in ((1, 1), (1, "beef"), (2, 1)))
    assert client_network(asked(REMOTE_ADDR=one)) == client_network(asked(REMOTE_ADDR=other))
    assert client_network(asked(REMOTE_ADDR=one)) != client_network(asked(REMOTE_ADDR=stranger))
    assert client_network(asked(REMOTE_ADDR="192.0.2.1")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("meta", "is_local"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, True),
        ({"REMOTE_ADDR": "::1"}, True),
        ({"REMOTE_ADDR": "192.0.2.1"}, False),
        ({}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"}, False),
    ],
)
def test_loopback_is_a_peer_on_this_machine_without_a_proxy(
    settings: Settings, meta: dict[str, str], is_local: bool
) -> None:
    settings.TRUST_PROXY = False
    assert is_loopback(asked(**meta)) == is_local
    settings.TRUST_PROXY = True
    assert not is_loopback(asked(**meta))
