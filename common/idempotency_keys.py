"""Idempotency keys: a repeated request with the same key gets the result of the first one."""

import hmac
import json
import re
from datetime import timedelta

from common.conf import settings
from common.exceptions import BadInput, FieldError, KeyReused

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def check_key(key: str) -> None:
    """Raises `BadInput` for an Idempotency-Key that can't be used."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            "The Idempotency-Key can't be used.",
            field_errors=[FieldError("Idempotency-Key", "must be 1 to 255 visible ASCII characters")],
        )


def request_digest(method: str, path: str, query: str, body: bytes) -> str:
    """The keyed hash of a request, in hex. A key stands for one request: a repeat must have the same digest.

    The database does not have the key, so nobody can test guesses at the request there.
    """
    request = json.dumps([method, path, query]).encode() + body
    return hmac.digest(f"idempotency {settings.SECRET_KEY}".encode(), request, "sha256").hex()


def refuse_reuse(first: str, repeat: str) -> None:
    """Raises `KeyReused` if the digests of the first request and of a repeat differ."""
    if first != repeat:
        raise KeyReused("This Idempotency-Key or id was used with another path, query or body. Use a new one.")
