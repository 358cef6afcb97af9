"""Credentials, and how the database confirms them: for one caller, or for all that a process remembers at once."""

import hmac
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from accounts.callers import Caller
from accounts.models import ApiToken
from accounts.rights import Rights, chunks, rights_of
from accounts.tokens import digest_of

_PROCESS_KEY = os.urandom(32)  # so that a password's digest is of no use outside of this process


@dataclass(frozen=True)
class TokenCredential:
    """An API token, by its digest."""

    digest: str

    @classmethod
    def of(cls, token: str) -> "TokenCredential":
        """The credential of a token as a caller sends it."""
        return cls(digest_of(token))


@dataclass(frozen=True)
class SessionCredential:
    """A session, by its key. The database has session keys in clear too, and can't be asked about a digest of one."""

    key: str


@dataclass(frozen=True)
class PasswordCredential:
    """A user name and password, by a digest with a key of this process."""

    digest: bytes

    @classmethod
    def of(cls, username: str, password: str) -> "PasswordCredential":
        """The credential of what a caller sends."""
        pair = f"{len(username)}:{username}:{password}".encode("utf-8", "surrogatepass")
        return cls(hmac.digest(_PROCESS_KEY, pair, "sha256"))


Credential: TypeAlias = TokenCredential | SessionCredential | PasswordCredential


@dataclass(frozen=True)
class CheckedPassword:
    """The user whose password was checked, and the hash that it was checked against: both must stay the same."""

    user_id: int
    username: str
    encoded: str

    @classmethod
    def of(cls, user: Any) -> "CheckedPassword":
        """For a user that Django's `authenticate` has returned."""
        return cls(user.pk, user.get_username(), user.password)


@dataclass(frozen=True)
class Confirmed:
    """A credential that the database confirms: its caller, and until when it is valid (None: no end)."""

    caller: Caller
    expires_at: datetime | None = None


def confirm(credentials: Mapping[Credential, CheckedPassword | None]) -> dict[Credential, Confirmed]:
    """Those credentials that are valid now. A password needs its check. Raises Django's database errors."""
    tokens = [each for each in credentials if isinstance(each, TokenCredential)]
    sessions = [each for each in credentials if isinstance(each, SessionCredential)]
    passwords = {each: checked for each, checked in credentials.items() if checked is not None}
    found_tokens, found_sessions = _tokens(tokens), _sessions(sessions)
    users = {
        *(token.user_id for token in found_tokens.values()),
        *(user_id for user_id, *_ in found_sessions.values()),
        *(checked.user_id for checked in passwords.values()),
    }
    rights = rights_of(users) if users else {}
    return {
        **dict(_confirmed_tokens(found_tokens, rights)),
        **dict(_confirmed_sessions(found_sessions, rights)),
        **dict(_confirmed_passwords(passwords, rights)),
    }


_Pairs: TypeAlias = Iterator[tuple[Credential, Confirmed]]


def _confirmed_tokens(found: Mapping[Credential, ApiToken], rights: Mapping[int, Rights]) -> _Pairs:
    for credential, token in found.items():
        if user := rights.get(token.user_id):
            yield credential, Confirmed(user.as_caller(token), token.expires_at)


def _confirmed_sessions(found: Mapping[Credential, "_Session"], rights: Mapping[int, Rights]) -> _Pairs:
    expected: dict[int, list[str]] = {}
    for credential, (user_id, session_hash, expires_at) in found.items():
        if (user := rights.get(user_id)) is None:
            continue
        hashes = expected.setdefault(user_id, list(_session_hashes(user)))
        if any(constant_time_compare(session_hash, each) for each in hashes):
            yield credential, Confirmed(user.as_caller(), expires_at)


def _confirmed_passwords(found: Mapping[Credential, CheckedPassword], rights: Mapping[int, Rights]) -> _Pairs:
    for credential, checked in found.items():
        user = rights.get(checked.user_id)
        if user and (user.username, user.password) == (checked.username, checked.encoded):
            yield credential, Confirmed(user.as_caller())


def _tokens(credentials: Collection[TokenCredential]) -> dict[Credential, ApiToken]:
    by_digest = {each.digest: each for each in credentials}
    now = datetime.now(UTC)
    return {
        by_digest[token.digest]: token
        for digests in chunks(by_digest)
        for token in ApiToken.objects.filter(digest__in=digests, revoked_at=None)
        if token.expires_at is None or token.expires_at > now
    }


_Session: TypeAlias = tuple[int, str, datetime]  # the user's id, the hash of the user's password, the end


def _sessions(credentials: Collection[SessionCredential]) -> dict[Credential, _Session]:
    """The sessions of users, as Django's `get_user` reads them."""
    found: dict[Credential, _Session] = {}
    for keys in chunks([each.key for each in credentials]):
        for session in Session.objects.filter(session_key__in=keys, expire_date__gt=datetime.now(UTC)):
            if user := _user_of(session.session_data):
                found[SessionCredential(session.session_key)] = (*user, session.expire_date)
    return found


@lru_cache(maxsize=4096)  # a session rarely changes, and all are read again and again
def _user_of(session_data: str) -> tuple[int, str] | None:
    """The id of a session's user, and the hash of the user's password; None for a session without a user."""
    data = Session(session_data=session_data).get_decoded()
    try:
        if data[auth.BACKEND_SESSION_KEY] not in settings.AUTHENTICATION_BACKENDS:
            return None
        return int(data[auth.SESSION_KEY]), str(data[auth.HASH_SESSION_KEY])
    except (LookupError, ValueError):
        return None


def _session_hashes(rights: Rights) -> Iterator[str]:
    user = User(password=rights.password)
    yield user.get_session_auth_hash()
    yield from user.get_session_auth_fallback_hash()
