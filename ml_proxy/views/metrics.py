"""`/metrics`, for Prometheus."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ml_proxy.use_cases import scraping
from ml_proxy.views.parsing import require_method


@csrf_exempt  # it changes nothing: a wrong method is told as such
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, in the format that `Accept` asks for. Open like `/readyz`, and like it tells of no patient."""
    require_method(request, "GET", "HEAD")
    body, media_type = scraping.scrape(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=media_type, headers={"Cache-Control": "no-store"})
