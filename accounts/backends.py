"""Checks passwords, for the sign-in page, the admin and HTTP Basic alike."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext

from accounts import lockout
from accounts.exceptions import TooManyChecks
from common.client_address import client_network
from common.conf import settings

WAIT_SECONDS = 10.0  # for the turn of a password check

_turn = threading.Lock()
_line = threading.BoundedSemaphore(max(2, settings.GATEWAY_THREADS // 4))  # other threads stay free for other requests


class PasswordBackend(ModelBackend):
    """Django's own, with a lockout. A check takes half a second of CPU, so each process does one at a time."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The active user with this name and password, or None.

        Raises `LockedOut` or `TooManyChecks`; then it has checked nothing.
        """
        name = kwargs.get(User.USERNAME_FIELD) if username is None else username
        if name is None or password is None or "\0" in name:
            return None
        attempt = lockout.Try.of(name, client_network(request) if request is not None else "")
        lockout.require_open(attempt)
        with _turn_of_check():
            lockout.reserve(attempt)
            user = super().authenticate(request, username=name, password=password)
        if user is not None:
            lockout.succeed(attempt)
        return user

    async def aauthenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """As `authenticate`."""
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)


@contextmanager
def _turn_of_check() -> Iterator[None]:
    """Waits until no other thread checks a password. Raises `TooManyChecks` if the line is full or too slow."""
    if not _line.acquire(blocking=False):
        raise _busy()
    try:
        if not _turn.acquire(timeout=WAIT_SECONDS):
            raise _busy()
        try:
            yield
        finally:
            _turn.release()
    finally:
        _line.release()


def _busy() -> TooManyChecks:
    return TooManyChecks(gettext("Many people are signing in at this moment. Try again in a few seconds."))
