"""Validates ID tokens: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation."""

import hmac
from collections.abc import Mapping
from typing import Any

import jwt

from accounts.oidc.exceptions import UntrustedToken

# Signatures by the provider's private key. None by a secret that the gateway knows too, and no "none".
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60  # between the clocks
MAX_SUBJECT = 255  # characters; a subject is ASCII
REQUIRED = ("iss", "sub", "aud", "exp", "iat")


def claims(token: str, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """The claims of a valid token. `keys` is the provider's key set (RFC 7517). Raises `UntrustedToken`."""
    try:
        found: dict[str, Any] = jwt.decode(
            token,
            _key(token, keys),
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except (jwt.PyJWTError, ValueError) as exc:
        raise UntrustedToken(f"the ID token is not valid ({type(exc).__name__})") from exc
    if not _is_subject(found["sub"]):
        raise UntrustedToken("the ID token's subject is no text of 1 to 255 ASCII characters")
    if found.get("azp", client_id) != client_id:
        raise UntrustedToken("the ID token was issued to another client")
    if not nonce or not hmac.compare_digest(str(found.get("nonce", "")).encode(), nonce.encode()):
        raise UntrustedToken("the ID token belongs to another sign-in (nonce)")
    return found


def _is_subject(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT and value.isascii() and value.isprintable()


def _key(token: str, keys: Mapping[str, Any]) -> jwt.PyJWK:
    """The key that signed the token: the one with its key id; without one, the only key."""
    usable = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if key.public_key_use in {None, "sig"}]
    wanted = jwt.get_unverified_header(token).get("kid")
    fitting = usable if wanted is None else [key for key in usable if key.key_id == wanted]
    if len(fitting) != 1:
        raise UntrustedToken("the ID token's signing key is not one of the provider's")
    return fitting[0]
