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
    """Each error as `{"label", "detail"}`, for a template."""
    return [{"label": _LABELS.get(each.pointer, each.pointer), "detail": each.detail} for each in error.field_errors]
