"""Idempotency keys: a repeated request with the same key gets the result of the first one."""

import re
from datetime import timedelta

from common.exceptions import BadInput, FieldError

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def check_key(key: str) -> None:
    """Raises `BadInput` for an Idempotency-Key that can't be used."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            "The Idempotency-Key can't be used.",
            field_errors=[FieldError("Idempotency-Key", "must be 1 to 255 visible ASCII characters")],
        )
