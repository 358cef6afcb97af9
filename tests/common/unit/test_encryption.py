"""Envelopes: what opens, what does not, and that clear values stay what they are."""

import os
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from common import encryption
from common.encryption import Undecryptable, UnknownDataKey

PLACE = b"ml_proxy.inferencelog.patient_name"
OLD, NEW = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture(params=["clear", "encrypted"])
def mode(request: pytest.FixtureRequest, settings: Settings) -> str:
    settings.DATA_KEYS = (OLD,) if request.param == "encrypted" else ()
    return str(request.param)


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(
    "text", ["", "김민준", "{}", "\x1f", "\x1f0", "\x1f1deadbeef", "\x1f2", "\x01 \t", "a" * 100_000]
)
def test_it_returns_what_it_got(text: str) -> None:
    raw = text.encode()
    assert encryption.open_text(encryption.protect_text(text, PLACE), PLACE) == text
    assert encryption.open_bytes(encryption.protect_bytes(raw, PLACE), PLACE) == raw
    assert encryption.renewed_bytes(encryption.protect_bytes(raw, PLACE), PLACE)[:2] in {raw[:2], b"\x1f0", b"\x1f2"}


@given(st.binary(max_size=200))
def test_clear_bytes_that_look_like_an_envelope_survive_both_modes(data: bytes) -> None:
    assert encryption.open_bytes(encryption.protect_bytes(b"\x1f" + data, PLACE), PLACE) == b"\x1f" + data


def test_a_clear_text_is_stored_as_it_is(settings: Settings) -> None:
    settings.DATA_KEYS = ()
    assert encryption.protect_text("김민준", PLACE) == "김민준"
    settings.DATA_KEYS = (OLD,)
    assert encryption.open_text("김민준", PLACE) == "김민준"


def test_two_envelopes_of_a_value_differ_and_hide_it(settings: Settings) -> None:
    settings.DATA_KEYS = (OLD,)
    first, second = (encryption.protect_text("Kim", PLACE) for _ in range(2))
    assert first != second
    assert first.startswith(f"\x1f1{encryption.key_id(OLD)}")
    assert "Kim" not in first
    assert b64encode(b"Kim").decode() not in first


def test_the_first_key_encrypts_and_all_decrypt(settings: Settings) -> None:
    settings.DATA_KEYS = (OLD,)
    stored = encryption.protect_text("Kim", PLACE)
    settings.DATA_KEYS = (NEW, OLD)
    assert encryption.open_text(stored, PLACE) == "Kim"
    renewed = encryption.renewed_text(stored, PLACE)
    settings.DATA_KEYS = (NEW,)
    assert encryption.open_text(renewed, PLACE) == "Kim"
    with pytest.raises(UnknownDataKey, match=encryption.key_id(OLD)):
        encryption.open_text(stored, PLACE)
    settings.DATA_KEYS = ()
    with pytest.raises(UnknownDataKey, match=encryption.key_id(NEW)):
        encryption.open_text(renewed, PLACE)


def test_it_opens_at_its_place_only(settings: Settings) -> None:
    settings.DATA_KEYS = (OLD,)
    stored = encryption.protect_text("Kim", PLACE)
    assert encryption.open_text(stored, b"ml_proxy.inferencelog.doctor_name") == encryption.UNREADABLE
    with pytest.raises(Undecryptable):
        encryption.renewed_text(stored, b"elsewhere")


@pytest.mark.parametrize("position", [11, 20, 40, -2])
def test_a_changed_envelope_does_not_open(settings: Settings, position: int) -> None:
    settings.DATA_KEYS = (OLD,)
    stored = bytearray(encryption.protect_bytes(b"Kim" * 9, PLACE))
    stored[position] ^= 1
    with pytest.raises(Undecryptable):
        encryption.decrypted(bytes(stored), PLACE)
    assert encryption.open_bytes(bytes(stored), PLACE) == bytes(stored)


@pytest.mark.parametrize("length", range(2, 60, 7))
def test_a_truncated_envelope_does_not_open(settings: Settings, length: int) -> None:
    settings.DATA_KEYS = (OLD,)
    text = encryption.protect_text("Kim", PLACE)[: max(length, 10)]
    assert encryption.open_text(text, PLACE) == encryption.UNREADABLE


def test_a_process_takes_a_new_salt_before_nonces_run_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_VALUES_PER_SALT", 3)
    settings.DATA_KEYS = (os.urandom(32),)
    stored = [encryption.protect_bytes(b"Kim", PLACE) for _ in range(9)]
    assert len({each[10:26] for each in stored}) in {2, 3}
    assert {encryption.decrypted(each, PLACE) for each in stored} == {b"Kim"}
