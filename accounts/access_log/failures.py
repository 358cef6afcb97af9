"""Notes calls that failed or were refused. None of these entries names a patient."""

import logging
from typing import Any

from django.db import Error
from rest_framework.exceptions import APIException

from accounts.access_log.notes import account_of, place_of, write
from accounts.access_log.refusals import Refusal, Refusals
from accounts.access_log.unknown_callers import UNKNOWN, UnknownCallers
from common.conf import settings
from common.exceptions import Unavailable
from common.logs import current_request_id

log = logging.getLogger(__name__)


def note_failure(request: Any, action: str, *, status: int, reason: str) -> None:
    """Notes that a call failed. Names nobody and no payload.

    If that can't be recorded, the caller still gets the first error: it shows nothing of anybody. Of unknown callers, a
    process notes a few each second, and counts the others.
    """
    failure = _failure(request, action, status, reason)
    if failure is not None:
        _write(failure)


def note_refusal(request: Any, action: str, *, status: int, reason: str) -> None:
    """As `note_failure`, for a call that cost the gateway nothing: a caller could fill the log with such.

    Of one account, route and reason, a process notes the first one in a minute, and then the number of the others.
    """
    refusal = _failure(request, action, status, reason)
    if refusal is not None:
        _write(refusal) if refusal.account == UNKNOWN else refusals.add(refusal)


def _failure(request: Any, action: str, status: int, reason: str) -> Refusal | None:
    """None for one of many unknown callers."""
    account, token_id = _account_if_known(request)
    if not account and settings.API_AUTH == "required":
        limited = _unknown.reason(reason)
        if limited is None:
            return None
        account, reason = UNKNOWN, limited
    place = place_of(request)
    return Refusal(
        account, token_id, action=action, status=status, reason=reason, request_id=current_request_id.get(), **place
    )


def _account_if_known(request: Any) -> tuple[str, str]:
    try:
        return account_of(request)
    except (APIException, Error):  # the credentials are unknown, or can't be checked now
        return "", ""


def _write(failure: Refusal) -> None:
    who = {name: getattr(failure, name) for name in ("account", "token_id", "address", "method", "route")}
    what = {"action": failure.action, "filters": "{}", "status": failure.status, "detail": failure.reason}
    token = current_request_id.set(failure.request_id)
    try:
        write({**who, "purpose": ""}, what)
    except Unavailable as exc:
        log.warning("a failed call could not be noted: %s", exc.detail)
    finally:
        current_request_id.reset(token)


_unknown = UnknownCallers()
refusals = Refusals(_write)
