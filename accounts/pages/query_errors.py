"""The errors of a page's query, by the labels of its fields."""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.exceptions import BadInput

_LABELS: Mapping[str, str | Promise] = {
    "patient": _("Patient"),
    "doctor": _("Doctor"),
    "account": _("Account"),
    "since": _("From"),
    "until": _("Before"),
}


def shown_errors(error: BadInput) -> Sequence[Mapping[str, str | Promise]]:
    """Each error as `{"label", "detail"}`, for a template. The label is blank if no field is at fault."""
    found = [{"label": _LABELS.get(each.pointer, each.pointer), "detail": each.detail} for each in error.field_errors]
    return found or [{"label": "", "detail": error.detail}]
