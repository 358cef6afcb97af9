"""Query parameters of the history, export and feedback paths."""

from typing import Any

from django.http import HttpRequest

from accounts.permissions import require
from common import person_names
from common.exceptions import BadInput, FieldError
from common.query_params import SPAN, Readers, read_query
from ml_proxy.permissions import READ_FEEDBACK
from ml_proxy.source import INFERENCES

HISTORY_FILTERS: Readers = {**{name: (name, each.read) for name, each in INFERENCES.every_filter.items()}, **SPAN}
MODEL_FILTERS: Readers = {"model": ("model", person_names.exact), **SPAN}
NOT_WITH_PATIENT = ("model", "verdict")


def read_history_query(request: HttpRequest, readers: Readers) -> dict[str, Any]:
    """The fields that the query sets, for `history.wanted`.

    Raises `BadInput`, also for filters without a common index, and `PermissionDenied` for a verdict that the caller may
    not read.
    """
    query = read_query(request, readers)
    together = [name for name in NOT_WITH_PATIENT if name in query and "patient" in query]
    if together:
        errors = [FieldError(name, "can't be combined with patient: leave one of them out") for name in together]
        raise BadInput("The query can't be used; nothing was looked up.", field_errors=errors)
    if "verdict" in query:
        require(request, READ_FEEDBACK)
    return query
