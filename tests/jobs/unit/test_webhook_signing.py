"""Signatures, verified by the specification's own library."""

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from jobs.webhooks.signing import new_secret, read_secret, signed_fields

BODY = '{"name":"김민준","n":1e999}'.encode()


def verify(secret: str, fields: dict[str, str], body: bytes = BODY) -> None:
    Webhook(secret).verify(body, fields, json_parse=False)


def test_it_signs_according_to_the_specification() -> None:
    secret = new_secret()
    fields = signed_fields("some-id", int(time.time()), BODY, [secret])
    verify(secret, fields)
    for name, value in {"webhook-id": "another", "webhook-timestamp": str(int(time.time()) - 1)}.items():
        with pytest.raises(WebhookVerificationError):
            verify(secret, fields | {name: value})
    with pytest.raises(WebhookVerificationError):
        verify(secret, fields, BODY + b" ")
    with pytest.raises(WebhookVerificationError):
        verify(new_secret(), fields)


def test_it_signs_with_each_secret_during_a_rotation() -> None:
    old, new = new_secret(), new_secret()
    fields = signed_fields("some-id", int(time.time()), BODY, [new, old])
    assert len(fields["webhook-signature"].split(" ")) == 2
    verify(old, fields)
    verify(new, fields)


def test_it_reproduces_the_specification_s_example() -> None:
    fields = signed_fields(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    )
    assert fields["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_generates_a_different_secret_each_time() -> None:
    assert len(read_secret(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize("size", [24, 25, 26, 64])
def test_it_reads_secrets_with_and_without_padding(size: int) -> None:
    text = "whsec_" + base64.b64encode(b"k" * size).decode()
    assert read_secret(text) == read_secret(text.rstrip("=")) == b"k" * size


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "a" * 40, "whsec_" + "a" * 31, "whsec_" + "a" * 88, "whsec_" + "!" * 40, "whpk_" + "a" * 40],
)
def test_it_refuses_an_invalid_secret(text: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its text is checked below
        read_secret(text)
    assert "aaaa" not in str(raised.value)
