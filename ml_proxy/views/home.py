"""`/`: the console."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie

from common.request_body import require_method

# Scripts, styles and requests from this origin only, and nothing inline: text from models and callers can't run here.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@csrf_exempt  # it changes nothing, and a wrong method must get a 405
@ensure_csrf_cookie  # a console with a session sends the token with its predictions
def home(request: HttpRequest) -> HttpResponse:
    """Serves the console: try a prediction, look up history, and follow links to the other services."""
    require_method(request, "GET", "HEAD")
    response = render(request, "ml_proxy/home.html", {"is_debug": settings.DEBUG, "flower": _flower(request)})
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Cache-Control"] = "no-cache"
    return response


def _flower(request: HttpRequest) -> str:
    """Returns Flower's URL in DEBUG mode, else an empty string: in production its URL depends on the deployment."""
    if not settings.DEBUG:
        return ""
    host = urlsplit(f"//{request.get_host()}").hostname or "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.FLOWER_PORT}/"
