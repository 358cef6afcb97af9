"""Who is known to this process: confirmed credentials and their callers, in memory.

A thread asks the database about all of them again, about once a second. So a request of a known caller needs no
database, and what changes there (a token is revoked, a password or a right changes) holds within two seconds. While the
database does not answer, callers stay known for AUTH_GRACE_SECONDS. See docs/adr/0019-remembered-callers.md.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from django.db import Error, connection, connections, transaction

from accounts.callers import Caller
from accounts.credentials import (
    CheckedPassword,
    Confirmed,
    Credential,
    SessionCredential,
    TokenCredential,
    confirm,
)
from accounts.models import ApiToken
from common import session_expiry
from common.conf import settings
from common.database_errors import trouble

log = logging.getLogger(__name__)

REFRESH_SECONDS = 0.75
STATEMENT_MILLISECONDS = 5000  # of a refresh, for a database that is slow or a table that is locked
USE_SECONDS = 60.0  # between two writes of a token's `last_used_at`
MAX_KNOWN = 10_000

C = TypeVar("C", TokenCredential, SessionCredential)


class Expired(Exception):
    """The credential was valid until a time that has passed."""


class _Known:
    """A credential that was confirmed. Times are seconds of `time.monotonic`, except `expires_at` (since 1970)."""

    __slots__ = ("caller", "checked", "confirmed_at", "expires_at", "noted_at", "used_at")

    def __init__(self, confirmed: Confirmed, checked: CheckedPassword | None, now: float) -> None:
        self.checked = checked
        self.used_at = now
        self.noted_at = now - USE_SECONDS
        self.confirm(confirmed, now)

    def confirm(self, confirmed: Confirmed, now: float) -> None:
        self.caller = confirmed.caller
        self.expires_at = confirmed.expires_at.timestamp() if confirmed.expires_at else None
        self.confirmed_at = now


class KnownCallers:
    """The callers that one process knows. The thread starts with the first one, and ends when none is left."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begins anew, in a forked child: it has none of its parent's threads, and its lock may be held."""
        self._known: dict[Credential, _Known] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._is_failing = False

    def find(self, credential: Credential) -> Caller | None:
        """The caller with this credential, if known. Raises `Expired`."""
        known = self._known.get(credential)
        if known is None:
            return None
        now = time.monotonic()
        if now - known.confirmed_at > settings.AUTH_GRACE_SECONDS:
            return None
        if known.expires_at is not None and known.expires_at <= time.time():
            raise Expired
        known.used_at = now
        return known.caller

    def remember(self, credential: Credential, confirmed: Confirmed, checked: CheckedPassword | None) -> None:
        """Makes a caller known."""
        with self._lock:
            if len(self._known) >= MAX_KNOWN:
                self._drop_least_used()
            self._known[credential] = _Known(confirmed, checked, time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="known-callers", daemon=True)
                self._thread.start()

    def forget_all(self) -> None:
        """Forgets all callers, and waits for the thread's end."""
        with self._lock:
            self._known.clear()
            thread = self._thread
        self._ending.set()
        if thread is not None:
            thread.join(10)
        self._ending.clear()

    def _drop_least_used(self) -> None:
        by_use = sorted(self._known, key=lambda credential: self._known[credential].used_at)
        for credential in by_use[: MAX_KNOWN // 10]:
            del self._known[credential]

    def _run(self) -> None:
        try:
            while self._refresh_soon():
                self._ending.wait(REFRESH_SECONDS)
        finally:
            connections.close_all()

    def _refresh_soon(self) -> bool:
        """Asks the database about everybody. Returns False if nobody is known: then the thread has to end."""
        batch = self._remembered()
        if not batch:
            return False
        try:
            self._apply(
                batch, time.monotonic(), _bounded(lambda: confirm({each: k.checked for each, k in batch.items()}))
            )
            with suppress(Error):  # it is read-only
                self._note_use(batch)
                self._renew_sessions(batch)
        except Exception as exc:  # noqa: BLE001 - the thread must go on, or nobody would ever be refused again
            self._log_failure(exc)
            connections.close_all()
        else:
            self._is_failing = False
        return True

    def _remembered(self) -> dict[Credential, _Known]:
        """Everybody, without those who were not seen for long."""
        oldest = time.monotonic() - settings.AUTH_GRACE_SECONDS
        with self._lock:
            self._known = {each: known for each, known in self._known.items() if known.used_at >= oldest}
            if not self._known:
                self._thread = None
            return dict(self._known)

    def _apply(self, batch: dict[Credential, _Known], asked_at: float, found: dict[Credential, Confirmed]) -> None:
        for credential, known in batch.items():
            if confirmed := found.get(credential):
                known.confirm(confirmed, asked_at)
            else:
                with self._lock:
                    if self._known.get(credential) is known:
                        del self._known[credential]

    def _note_use(self, batch: dict[Credential, _Known]) -> None:
        """Writes `last_used_at` of tokens that were used since the last time, at most once a minute for each."""
        if used := _take_used(batch, TokenCredential, USE_SECONDS):
            ApiToken.objects.filter(digest__in=[each.digest for each in used]).update(last_used_at=datetime.now(UTC))

    def _renew_sessions(self, batch: dict[Credential, _Known]) -> None:
        """Moves the idle ends of sessions on: requests of known callers do not touch their session."""
        if used := _take_used(batch, SessionCredential, session_expiry.interval()):
            session_expiry.renew_used([each.key for each in used])

    def _log_failure(self, exc: Exception) -> None:
        problem = trouble(exc)
        if problem is None:
            log.error("the known callers can't be refreshed: %s", type(exc).__name__, exc_info=exc)
        elif not self._is_failing:
            log.warning("the database %s: known callers stay known for %g s", problem, settings.AUTH_GRACE_SECONDS)
        self._is_failing = True


def _take_used(batch: dict[Credential, _Known], kind: type[C], seconds: float) -> list[C]:
    """The credentials of a kind that were used since they were last taken here, which is at least `seconds` ago."""
    now = time.monotonic()
    used: dict[C, _Known] = {
        credential: known
        for credential, known in batch.items()
        if isinstance(credential, kind) and known.used_at > known.noted_at and now - known.noted_at >= seconds
    }
    for known in used.values():
        known.noted_at = now
    return list(used)


def _bounded(read: Callable[[], dict[Credential, Confirmed]]) -> dict[Credential, Confirmed]:
    """The result of `read`, whose statements PostgreSQL ends after a while."""
    if connection.vendor != "postgresql":
        return read()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
        return read()


KNOWN = KnownCallers()


os.register_at_fork(after_in_child=KNOWN.reset)
