"""The pages for a signed-in user who lacks a permission, such as in the admin, and for a form without its token."""

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.template.loader import render_to_string
from django.views import defaults

from accounts.access_log import note_refusal
from common.page_language import in_callers_language


@in_callers_language
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler403`, noted in the access log."""
    note_refusal(request, "access.refused", status=403, reason="lacks a permission for this page")
    return defaults.permission_denied(request, exception)


@in_callers_language
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's `CSRF_FAILURE_VIEW`. The page reads no session: a sign-in or sign-out elsewhere is the usual cause."""
    return HttpResponseForbidden(render_to_string("accounts/csrf_failure.html"))
