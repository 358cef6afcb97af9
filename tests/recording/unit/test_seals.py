"""Digests and look-up columns are stored, so what they are made of must never change."""

import hashlib
import hmac

from common.keyed_hash import KeyedHash
from recording.lookups import _hash
from recording.seals import Key

SECRET = "a sealing key of the tests, long enough"


def test_a_digest_is_an_hmac_of_the_content_with_the_hash_of_the_key() -> None:
    expected = hmac.digest(hashlib.sha256(SECRET.encode()).digest(), b"content\0the content", "sha256")
    assert Key(SECRET).digest(b"the content") == expected


def test_a_key_is_named_by_an_hmac() -> None:
    assert Key(SECRET).id == hmac.digest(hashlib.sha256(SECRET.encode()).digest(), b"id", "sha256")[:8].hex()


def test_a_look_up_column_has_half_an_hmac_of_its_field_and_value() -> None:
    expected = hmac.digest(bytes(32), "patient_name\0김민준".encode(), "sha256")[:16]
    assert _hash(KeyedHash(bytes(32)), "patient_name", "김민준").bytes == expected
