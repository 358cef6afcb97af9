"""The page for a signed-in user who lacks a permission, such as in the admin."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from accounts.access_log import note_refusal
from common.page_language import in_callers_language


@in_callers_language
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler403`, noted in the access log."""
    note_refusal(request, "access.refused", status=403, reason="lacks a permission for this page")
    return defaults.permission_denied(request, exception)
