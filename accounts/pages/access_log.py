"""`/accounts/access-log/`: who looked at whom, for an auditor."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.access_log.source import ACCESS, AccessRow
from accounts.access_log.views import FILTERS, HISTORY, note_look
from accounts.callers import caller_of_user
from accounts.pages.query_errors import shown_errors
from accounts.throttling import limit
from common.exceptions import BadInput
from common.page_language import in_callers_language
from common.printable import printable
from common.query_params import Readers, cursor, read_query
from common.request_body import require_method
from common.row_scope import Scope
from common.timestamps import moment
from recording.history import Cursor

PER_PAGE = 50
SHOWN_PEOPLE = 10  # of an entry at once; the page folds the others
MAX_SHOWN = 500  # characters of any text
_SPAN = ("since", "until")
_FILES = {"format": "csv", "bom": "1", "safe_cells": "1"}


@csrf_exempt  # it changes nothing, and a wrong method must get a 405
@never_cache
@login_required
@in_callers_language
def access_log_page(request: HttpRequest) -> HttpResponse:
    """Shows one page of entries, newest first. The look is noted. Raises `PermissionDenied`."""
    require_method(request, "GET", "HEAD")
    caller = caller_of_user(request.user)
    if not caller.may(ACCESS.read_permission):
        raise PermissionDenied
    vars(request)["caller"] = caller
    limit(request, "history")
    asked = {name: str(request.GET.get(name, "")) for name in FILTERS}
    try:
        query = read_query(request, _readers())
    except BadInput as exc:
        context = {"wide": True, "asked": asked, "errors": shown_errors(exc)}
        return render(request, "accounts/access_log.html", context, status=exc.status)
    return render(
        request, "accounts/access_log.html", {**_found(request, caller.doctors, query, asked), "asked": asked}
    )


def _found(request: HttpRequest, scope: Scope, query: dict[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """The entries, and the links to the next page and to the file."""
    page = HISTORY.page(HISTORY.filter(scope=scope, limit=PER_PAGE, **query))
    note_look(request, "access.list", len(page.rows), query)
    chosen = {name: value for name, value in asked.items() if value.strip()}
    older = urlencode({**chosen, "cursor": page.next.opaque()}) if page.next else ""
    return {
        "wide": True,
        "entries": [_shown(row) for row in page.rows],
        "older": older,
        "newest": urlencode(chosen) if "after" in query else None,
        "file": f"{reverse('access-log-export')}?{urlencode({**_FILES, **chosen, **_moments(query)})}",
    }


def _readers() -> Readers:
    """A time without an offset is of the reader's zone, like the times that the page shows."""
    zone = timezone.get_current_timezone()
    spans = {name: (name, partial(moment, zone=zone)) for name in _SPAN}
    return {**FILTERS, **spans, "cursor": ("after", cursor(Cursor.of))}


def _moments(query: Mapping[str, Any]) -> dict[str, str]:
    """The limits with their offset: the API, which makes the file, knows no zone of a reader."""
    return {name: query[name].isoformat() for name in _SPAN if name in query}


def _shown(row: AccessRow) -> dict[str, Any]:
    """An entry as texts of one line: a name may hold characters that turn the text around it."""
    patients, doctors = ([_line(name) for name in json.loads(text)] for text in (row.patients, row.doctors))
    return {
        "time": row.recorded_at,
        "account": _line(row.account) or gettext("anonymous"),
        "address": row.address,
        "action": _line(row.action),
        "asked": ", ".join(_texts(json.loads(row.filters))),
        "rows": row.row_count,
        "patients": patients[:SHOWN_PEOPLE],
        "more_patients": patients[SHOWN_PEOPLE:],
        "doctors": doctors[:SHOWN_PEOPLE],
        "more_doctors": doctors[SHOWN_PEOPLE:],
        "purpose": _line(row.purpose),
        "status": row.status,
        "detail": _line(row.detail),
        "by_token": bool(row.token_id),
    }


def _texts(filters: Mapping[str, Any]) -> Iterator[str]:
    return (_line(f"{name}: {value}") for name, value in filters.items())


def _line(text: str) -> str:
    return printable(text, MAX_SHOWN)
