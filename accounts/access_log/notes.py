"""Writes entries of the access log."""

import getpass
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from rest_framework.exceptions import NotAuthenticated

from accounts.access_log.records import MAX_SUBJECTS, AccessRecord
from accounts.callers import caller_of
from common.client_address import client_address
from common.exceptions import BadInput, FieldError
from common.ids import uuid7
from common.logs import current_request_id
from common.printable import printable
from recording import recorder

MAX_PURPOSE = AccessRecord.MAX_LENGTHS["purpose"]  # characters
PURPOSE_HEADER = "HTTP_X_PURPOSE"


def note(
    request: Any,
    action: str,
    *,
    rows: int = 0,
    patients: Iterable[str] = (),
    doctors: Iterable[str] = (),
    filters: Mapping[str, Any] | None = None,
    status: int = 200,
    reason: str = "",
) -> None:
    """Notes one access of the request's caller, Django's request or the framework's; None for a command.

    It is durable on return: in the journal, or as a row. Raises `NotRecorded` if neither takes it, and `BadInput` if
    `X-Purpose` can't be used: then no answer may leave. More than `MAX_SUBJECTS` people make several records with the
    same request id, and only the first one counts the rows.
    """
    account, token_id = account_of(request)
    write(
        {"account": account, "token_id": token_id, "purpose": purpose_of(request), **place_of(request)},
        {"action": action, "filters": _json(filters or {}), "status": status, "detail": reason},
        rows,
        list(dict.fromkeys(patients)),
        list(dict.fromkeys(doctors)),
    )


def note_of_account(
    request: Any, action: str, account: str, *, token_id: str = "", status: int = 200, reason: str = ""
) -> None:
    """Notes what an account did that is not, or no longer, the request's caller. Raises `NotRecorded`."""
    who = {"account": account, "token_id": token_id, "purpose": ""}
    what = {"action": action, "filters": "{}", "status": status, "detail": reason}
    write({**who, **place_of(request)}, what)


def account_of(request: Any) -> tuple[str, str]:
    """The account's name and the token's id. For a command: `os:` and the name of the operating system's user.

    With API_AUTH=open nobody has to sign in, but someone who did is named.
    """
    if request is None:
        return f"os:{_system_user()}", ""
    try:
        caller = caller_of(request)
    except NotAuthenticated:
        return "", ""
    if caller.name:
        return caller.name, caller.token_id
    user = getattr(request, "user", None)
    return (str(user.get_username()) if user is not None and user.is_authenticated else ""), ""


def write(
    who: dict[str, str],
    what: dict[str, Any],
    rows: int = 0,
    patients: Sequence[str] = (),
    doctors: Sequence[str] = (),
) -> None:
    """Writes an entry with the current request id; it is durable on return. Raises `NotRecorded`."""
    texts = {name: printable(text, AccessRecord.MAX_LENGTHS[name]) for name, text in who.items()}
    detail = printable(what["detail"], AccessRecord.MAX_LENGTHS["detail"])
    same: dict[str, Any] = {**texts, **what, "detail": detail, "request_id": current_request_id.get()}
    for number, (some_patients, some_doctors) in enumerate(_parts(patients, doctors)):
        now = datetime.now(UTC)
        people = {"patients": _json(some_patients), "doctors": _json(some_doctors)}
        counted = {"id": uuid7(now), "recorded_at": now, "row_count": 0 if number else rows}
        recorder.record_without_reservation(AccessRecord(**{**same, **people, **counted}))


def _parts(patients: Sequence[str], doctors: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """At least one part, each with at most `MAX_SUBJECTS` of either."""
    for start in range(0, max(len(patients), len(doctors), 1), MAX_SUBJECTS):
        yield patients[start : start + MAX_SUBJECTS], doctors[start : start + MAX_SUBJECTS]


def place_of(request: Any) -> dict[str, str]:
    """Where the request came from and where it went."""
    if request is None:
        return {"address": "", "method": "", "route": f"manage.py {' '.join(sys.argv[1:2])}".strip()}
    match = getattr(request, "resolver_match", None)
    return {
        "address": client_address(request),
        "method": request.method or "",
        "route": match.route if match is not None and match.route else "",
    }


def purpose_of(request: Any) -> str:
    """The header `X-Purpose`, in UTF-8 or percent-encoded, as browsers can send only Latin-1. Raises `BadInput`."""
    raw = request.META.get(PURPOSE_HEADER, "") if request is not None else ""
    if not raw:
        return ""
    try:
        text = unquote(raw.encode("latin-1").decode(), errors="strict").strip()
    except UnicodeError:
        text = ""
    if not text or len(text) > MAX_PURPOSE or not text.isprintable():
        problem = FieldError(
            "X-Purpose", f"must have at most {MAX_PURPOSE} printable characters, in UTF-8 or %-encoded"
        )
        raise BadInput("The header X-Purpose can't be used.", field_errors=[problem])
    return text


def _json(value: Any) -> str:
    """JSON text. Values of other types, such as times, become texts."""
    return json.dumps(value, ensure_ascii=False, default=str).replace("\0", " ")


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the password database
        return "unknown"
