"""Creates and revokes API tokens."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from accounts import scopes as all_scopes
from accounts.models import ApiToken

PREFIX = "mlp_"  # scanners for secrets can recognize a token by it
RANDOM_BYTES = 32
SHOWN_CHARACTERS = 10  # of a token in lists: the prefix, and 36 of its 256 random bits

_DURATION = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36500)


def digest_of(token: str) -> str:
    """The token's SHA-256 in hex, as the table has it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def create(
    user: User, *, name: str, scopes: Iterable[str] = (), expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Creates a token. Returns its row and the token, which nobody can read again. Raises `UnknownScope`."""
    wanted = all_scopes.canonical(scopes)
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    row = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=token[:SHOWN_CHARACTERS],
        digest=digest_of(token),
        scopes=wanted,
        expires_at=expires_at,
    )
    return row, token


def revoke(tokens: Iterable[ApiToken]) -> int:
    """Revokes tokens. Returns how many were not revoked yet. Each process refuses them within two seconds."""
    ids = [token.pk for token in tokens]
    now = datetime.now(UTC)
    found = list(ApiToken.objects.filter(pk__in=ids, revoked_at=None).select_related("user"))
    for token in found:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])  # one by one, because the access log notes each change of rights
    return len(found)


def expiry(duration: str) -> datetime:
    """The time after a duration such as 90d: minutes (m), hours (h), days (d) or weeks (w). Raises `ValueError`."""
    found = _DURATION.fullmatch(duration.strip())
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise ValueError("must be a duration such as 90d, 12h, 30m or 4w, at most 100 years")
    return datetime.now(UTC) + span
