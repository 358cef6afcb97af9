"""Locks out callers after LOGIN_FAILURES failed sign-ins, for LOGIN_LOCKOUT_SECONDS. See `docs/adr/0022-lockout.md`.

Three counters, and a try must pass each of them:

- the account from this network: LOGIN_FAILURES
- this network, all accounts: LOGIN_FAILURES x FAR
- the account from all networks: LOGIN_FAILURES x FAR

Only the first one holds for a network from which the account signed in before. So nobody can lock a doctor out from
elsewhere. A try counts as failed before its password is checked, so parallel tries can't exceed a limit.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from accounts.exceptions import LockedOut
from accounts.login_attempts import LoginAttempts
from common.conf import settings
from common.normalization import normalized

log = logging.getLogger(__name__)

FAR = 5
ACCOUNT_MEMORY = timedelta(days=1)  # after the last failure of an account
KNOWN_FOR = timedelta(days=90)  # after the last success of an account from a network


@dataclass(frozen=True)
class Try:
    """One sign-in: the keys of its three counters, in the order of the module's list."""

    account: str
    keys: tuple[str, str, str]

    @classmethod
    def of(cls, name: str, network: str) -> "Try":
        """The try with this name, as typed, from this network."""
        account = _account_hash(name)
        return cls(account, (_digest("pair", account, network), _digest("network", network), account))


def require_open(attempt: Try) -> None:
    """Raises `LockedOut` if the try may not go on. It reads only."""
    _require_open(attempt, {row.key: row for row in LoginAttempts.objects.filter(key__in=attempt.keys)})


def reserve(attempt: Try) -> None:
    """Counts the try as failed. Raises `LockedOut` if it may not go on; then it counts nothing."""
    pair, network, account = attempt.keys
    owners = {pair: attempt.account, network: "", account: attempt.account}
    with transaction.atomic():
        missing = [LoginAttempts(key=key, account=owners[key]) for key in sorted(attempt.keys)]
        LoginAttempts.objects.bulk_create(missing, ignore_conflicts=True)
        locked = LoginAttempts.objects.select_for_update().filter(key__in=attempt.keys).order_by("key")
        rows = {row.key: row for row in locked}
        _require_open(attempt, rows)
        for key, limit, memory in _limits(attempt.keys):
            _count_failure(rows[key], limit, memory)
        LoginAttempts.objects.bulk_update(rows.values(), ["failures", "failed_at"])


def succeed(attempt: Try) -> None:
    """Forgets the failures of the account, and takes back what `reserve` counted for the network."""
    pair, network, account = attempt.keys
    with transaction.atomic():
        LoginAttempts.objects.filter(key=pair).update(failures=0, succeeded_at=timezone.now())
        LoginAttempts.objects.filter(key=account).update(failures=0)
        LoginAttempts.objects.filter(key=network, failures__gt=0).update(failures=F("failures") - 1)


def unlock_account(name: str) -> int:
    """Forgets all failures of an account, also of those from single networks. Returns the number of counters."""
    return LoginAttempts.objects.filter(account=_account_hash(name), failures__gt=0).update(failures=0)


def unlock_network(network: str) -> int:
    """Forgets the failures that count for all accounts of a network. Returns the number of counters."""
    return LoginAttempts.objects.filter(key=_digest("network", network), failures__gt=0).update(failures=0)


def unlock_all() -> int:
    """Forgets all failures. Returns the number of counters."""
    return LoginAttempts.objects.filter(failures__gt=0).update(failures=0)


def forget_old() -> None:
    """Deletes counters that count no more, of networks that are not known."""
    now, memory = timezone.now(), max(timedelta(seconds=settings.LOGIN_LOCKOUT_SECONDS), ACCOUNT_MEMORY)
    is_unknown = Q(succeeded_at=None) | Q(succeeded_at__lt=now - KNOWN_FOR)
    LoginAttempts.objects.filter(is_unknown, failed_at__lt=now - memory).delete()


def _require_open(attempt: Try, rows: dict[str, LoginAttempts]) -> None:
    now = timezone.now()
    limits = _limits(attempt.keys)
    pair = rows.get(attempt.keys[0])
    is_known = pair is not None and pair.succeeded_at is not None and pair.succeeded_at > now - KNOWN_FOR
    for key, limit, _ in limits[:1] if is_known else limits:
        if (row := rows.get(key)) and row.failures >= limit and row.failed_at:
            seconds = int((row.failed_at - now).total_seconds()) + settings.LOGIN_LOCKOUT_SECONDS
            if seconds >= 0:
                raise LockedOut(_text(seconds), seconds=seconds + 1)


def _limits(keys: tuple[str, str, str]) -> Sequence[tuple[str, int, timedelta]]:
    """Each key, the failures it allows, and how long after the last one they are forgotten."""
    near, far = settings.LOGIN_FAILURES, settings.LOGIN_FAILURES * FAR
    lockout = timedelta(seconds=settings.LOGIN_LOCKOUT_SECONDS)
    pair, network, account = keys
    return (pair, near, lockout), (network, far, lockout), (account, far, max(lockout, ACCOUNT_MEMORY))


def _count_failure(row: LoginAttempts, limit: int, memory: timedelta) -> None:
    now = timezone.now()
    is_old = row.failed_at is None or row.failed_at + memory < now
    row.failures = 1 if is_old else row.failures + 1
    row.failed_at = now
    if row.failures == limit:
        log.warning("sign-in is locked out after %d failures, unless this one succeeds", limit)


def _account_hash(name: str) -> str:
    return _digest("account", normalized("NFKC", name).strip().casefold())


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode(errors="surrogatepass")
    return salted_hmac("accounts.lockout", text, algorithm="sha256").hexdigest()


def _text(seconds: int) -> str:
    text = gettext("Too many sign-ins failed. Try again in %(minutes)d min, or ask %(contact)s to unlock it.")
    return text % {"minutes": seconds // 60 + 1, "contact": gettext(settings.SIGN_IN_CONTACT)}
