"""Signatures according to the Standard Webhooks specification, scheme `v1`: HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
"""

import base64
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64


def new_secret() -> str:
    """Returns a secret of 32 random bytes, encoded for receivers."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def read_secret(text: str) -> bytes:
    """Decodes a `whsec_…` secret of 24 to 64 bytes. Raises `ValueError`, which quotes nothing from the secret."""
    encoded = text.removeprefix(PREFIX)
    if encoded == text:
        raise ValueError("does not start with whsec_")
    key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError("not 24 to 64 bytes")
    return key


def signed_fields(message_id: str, timestamp: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """Returns the header fields that sign `body`: `timestamp` in Unix seconds, one signature per secret in `keys`."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_mac(read_secret(key), content)}" for key in keys),
    }


def _mac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
