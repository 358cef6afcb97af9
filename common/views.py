"""`/healthz`, `/readyz` and `/metrics`, for orchestrators, load balancers and Prometheus."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt

from common import health
from common.metrics import scrape
from common.request_body import require_method
from common.responses import json_response


@csrf_exempt  # a wrong method must get a 405
def add_slash(request: HttpRequest, page: str) -> HttpResponse:
    """Redirects to the page, whose path ends with a slash."""
    require_method(request, "GET", "HEAD")
    return HttpResponseRedirect(f"/{page}/")


@csrf_exempt  # these three views change nothing, so a wrong method gets a 405, not a 403
def healthz(request: HttpRequest) -> HttpResponse:
    """200 if this process is alive; checks nothing else."""
    require_method(request, "GET", "HEAD")
    return json_response({"status": "alive"})


@csrf_exempt
def readyz(request: HttpRequest, *, in_detail: bool = True) -> HttpResponse:
    """The health of the gateway and, if `in_detail`, of each part; 503 if it can't serve predictions."""
    require_method(request, "GET", "HEAD")
    status, parts = health.check()
    body = {"status": status, "parts": parts} if in_detail else {"status": status}
    return json_response(body, status=503 if status == "not ready" else 200)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, in the format that `Accept` asks for. They contain no patient data."""
    require_method(request, "GET", "HEAD")
    body, media_type = scrape.scrape(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=media_type, headers={"Cache-Control": "no-store"})
