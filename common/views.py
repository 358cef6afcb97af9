"""`/healthz`, `/readyz` and `/metrics`, for whoever restarts, routes and watches."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from common import health
from common.metrics import scrape
from common.request_body import require_method
from common.responses import json_response


@csrf_exempt  # these three change nothing: a wrong method gets a 405
def healthz(request: HttpRequest) -> HttpResponse:
    """This process is alive; nothing else is asked."""
    require_method(request, "GET", "HEAD")
    return json_response({"status": "alive"})


@csrf_exempt
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether the gateway can do its work, part by part; 503 where predictions can't be served."""
    require_method(request, "GET", "HEAD")
    status, parts = health.check()
    return json_response({"status": status, "parts": parts}, status=503 if status == "not ready" else 200)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, in the format that `Accept` asks for. Open like `/readyz`, and like it tells of no patient."""
    require_method(request, "GET", "HEAD")
    body, media_type = scrape.scrape(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=media_type, headers={"Cache-Control": "no-store"})
