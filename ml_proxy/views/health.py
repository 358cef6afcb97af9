"""`/healthz` and `/readyz`, for whoever restarts and routes."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ml_proxy.use_cases import readiness
from ml_proxy.views.parsing import require_method
from ml_proxy.views.rendering import json_response


@csrf_exempt  # neither changes anything: a wrong method is told as such
def healthz(request: HttpRequest) -> HttpResponse:
    """This process is alive; nothing else is asked."""
    require_method(request, "GET", "HEAD")
    return json_response({"status": "alive"})


@csrf_exempt
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether the gateway can do its work, part by part; 503 where predictions can't be served."""
    require_method(request, "GET", "HEAD")
    status, parts = readiness.check()
    return json_response({"status": status, "parts": parts}, status=503 if status == "not ready" else 200)
