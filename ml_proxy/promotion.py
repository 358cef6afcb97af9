"""Promotes a version of a model through the gateway, which knows who asks, and records who, when, which and why."""

import json
import logging
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import access_log
from accounts.callers import caller_of
from common import person_names
from common.exceptions import BadInput, FieldError, Unavailable, UnknownPath
from common.json_body import read_object
from common.logs import current_request_id
from common.responses import as_json
from ml_proxy import upstream
from ml_proxy.exceptions import UpstreamError
from ml_proxy.model_names import SEGMENT
from ml_proxy.upstream import Answer

MAX_REASON = 500  # characters

log = logging.getLogger("ml_proxy.promotion")


def read_reason(body: bytes) -> str:
    """Reads `{"reason": "…"}`. Raises `BadInput`."""
    _, members = read_object(body)
    found: dict[str, Any] = dict(members)
    errors = [FieldError(f"/{name[:100]}", "is unknown; give a reason") for name in found if name != "reason"]
    try:
        reason = person_names.canonical(found.get("reason"), MAX_REASON)
    except person_names.BadName as exc:
        errors.insert(0, FieldError("/reason", str(exc) if "reason" in found else "is missing: say why"))
    if errors or len(found) < len(members):
        raise BadInput(
            "The promotion needs a reason.", field_errors=errors or [FieldError("/reason", "must be given once")]
        )
    return reason


def promote(request: HttpRequest, name: str, version: str, reason: str) -> Answer:
    """Asks the model server to put a version into service, and tells it who asks and why.

    Raises `UnknownPath`, `BadInput` or `UpstreamError`.
    """
    if not SEGMENT.fullmatch(name) or not SEGMENT.fullmatch(version):  # "$" would match before a line break
        raise UnknownPath("No model or version can have this name.")
    filters = {"model": name, "version": version}
    access_log.note(request, "model.promote-begin", filters=filters, reason=reason)  # or no version comes into service
    try:
        answer = upstream.forward(
            "POST",
            f"models/{name}/versions/{version}/promote",
            fields={"X-Request-ID": current_request_id.get(), "Content-Type": "application/json"},
            body=as_json({"reason": reason, "promoted_by": caller_of(request).name}),
            total_seconds=settings.UPSTREAM_TOTAL_SECONDS,
            call="promote",
        )
    except UpstreamError as exc:
        _record(request, name, version, reason, status=int(exc.status))
        raise
    _record(request, name, version, reason, status=answer.status)
    return answer


def _record(request: HttpRequest, name: str, version: str, reason: str, *, status: int) -> None:
    """Records a promotion, also one that the model server refused. JSON, so that a reason is one line of the log."""
    caller = caller_of(request).name
    told = {"model": name, "version": version, "status": status, "caller": caller, "reason": reason}
    log.warning("promotion %s", json.dumps(told))
    with suppress(Unavailable):  # the version is in service by now; the line above and the entry of the begin say so
        filters = {"model": name, "version": version}
        access_log.note(request, "model.promote", filters=filters, status=status, reason=reason)
