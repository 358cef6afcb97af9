"""Seals are what RFC 2104 calls an HMAC, whatever computes them."""

import hashlib
import hmac

import pytest

from recording.seals import Key


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 200, 100_000])
def test_a_digest_is_the_hmac_of_the_standard_library(size: int) -> None:
    """Around the sizes at which SHA-256 begins a new block."""
    content = bytes(number % 251 for number in range(size))
    secret = hashlib.sha256(b"a sealing key of the tests, long enough").digest()
    expected = hmac.digest(secret, b"content\0" + content, "sha256")
    assert Key("a sealing key of the tests, long enough").digest(content) == expected


def test_a_key_seals_the_same_content_alike_after_others() -> None:
    """Each use copies the prepared halves, and changes none."""
    key = Key("a sealing key of the tests, long enough")
    before = key.digest(b"one")
    key.digest(b"two")
    assert key.digest(b"one") == before
