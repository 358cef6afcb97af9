"""`/`: the console."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie

from common.request_body import require_method

# Scripts, styles and calls of this origin alone, and nothing inline: what a model or a caller wrote can't run here.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@csrf_exempt  # it changes nothing: a wrong method is told as such
@ensure_csrf_cookie  # a console that is signed in by session sends it back with its predictions
def home(request: HttpRequest) -> HttpResponse:
    """The console: try a prediction, look history up, find the other doors."""
    require_method(request, "GET", "HEAD")
    response = render(request, "ml_proxy/home.html", {"own_machine": settings.DEBUG, "flower": _flower(request)})
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Cache-Control"] = "no-cache"
    return response


def _flower(request: HttpRequest) -> str:
    """Flower's URL on one's own machine; elsewhere only its operators know where it is."""
    if not settings.DEBUG:
        return ""
    host = urlsplit(f"//{request.get_host()}").hostname or "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.FLOWER_PORT}/"
