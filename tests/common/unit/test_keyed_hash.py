"""A keyed hash is what RFC 2104 calls an HMAC, whatever computes it."""

import hmac

import pytest

from common.keyed_hash import KeyedHash

KEY = bytes(range(32))


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 200, 100_000])
def test_it_is_the_hmac_of_the_standard_library(size: int) -> None:
    """Around the sizes at which SHA-256 begins a new block."""
    message = bytes(number % 251 for number in range(size))
    assert KeyedHash(KEY).digest(message) == hmac.digest(KEY, message, "sha256")


def test_a_key_hashes_the_same_message_alike_after_others() -> None:
    """Each use copies the prepared halves, and changes none."""
    hashed = KeyedHash(KEY)
    before = hashed.digest(b"one")
    hashed.digest(b"two")
    assert hashed.digest(b"one") == before
