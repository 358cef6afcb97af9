"""Pass-through paths: the model server's status, models and promotions, and synchronous retrains."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.permissions import SIGNED_IN, authorize, require
from accounts.throttling import DEFAULT_SCOPE, limit
from common.json_body import read_object
from common.logs import current_request_id
from common.query_params import refuse_parameters
from common.request_body import read_body, require_method
from jobs.views import locate_conflict, start
from ml_proxy import upstream
from ml_proxy.permissions import PROMOTE_MODEL
from ml_proxy.promotion import promote, read_reason
from ml_proxy.proxy_response import ProxyResponse, query_of
from ml_proxy.retrain.kind import RETRAIN, promotion_permissions
from ml_proxy.retrain.pass_through import retrain_now
from ml_proxy.upstream.headers import request_fields


def status_view(request: HttpRequest) -> HttpResponse:
    """`GET status/`."""
    return _get(request, "status")


def model_info_view(request: HttpRequest) -> HttpResponse:
    """`GET model-info/`."""
    return _get(request, "model-info")


def models_view(request: HttpRequest) -> HttpResponse:
    """`GET models/`."""
    return _get(request, "models")


@csrf_exempt  # session authentication checks the token itself
def promote_view(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """`POST models/{name}/versions/{version}/promote/`: puts a version into service; an older one is a roll-back."""
    require_method(request, "POST")
    authorize(request, PROMOTE_MODEL)
    limit(request, DEFAULT_SCOPE)
    refuse_parameters(request)
    reason = read_reason(read_body(request))
    return ProxyResponse(promote(request, name, version, reason))


@csrf_exempt  # session authentication checks the token itself
def retrain_view(request: HttpRequest) -> HttpResponse:
    """`POST retrain/`: responds when the training is done; with `Prefer: respond-async` it starts a job."""
    require_method(request, "POST")
    caller = authorize(request, RETRAIN.start_permission).name
    limit(request, DEFAULT_SCOPE)
    body = read_body(request, may_be_empty=True)
    return _as_job(request, body, caller) if _prefers_async(request) else _synchronous(request, body, caller)


def _as_job(request: HttpRequest, body: bytes, caller: str) -> HttpResponse:
    response = start(RETRAIN, request, body, caller)
    response["Preference-Applied"] = "respond-async"
    return response


def _synchronous(request: HttpRequest, body: bytes, caller: str) -> HttpResponse:
    for permission in promotion_permissions(read_object(body)[1] if body else ()):
        require(request, permission)
    with locate_conflict(request):
        answer = retrain_now(
            body,
            fields=_fields(request),
            query=query_of(request),
            requested_by=caller,
            request_id=current_request_id.get(),
        )
    return ProxyResponse(answer)


def _get(request: HttpRequest, path: str) -> HttpResponse:
    require_method(request, "GET", "HEAD")
    authorize(request, SIGNED_IN)
    limit(request, DEFAULT_SCOPE)
    answer = upstream.forward(
        "GET",
        path,
        fields=_fields(request),
        query=query_of(request),
        total_seconds=settings.UPSTREAM_TOTAL_SECONDS,
    )
    return ProxyResponse(answer)


def _fields(request: HttpRequest) -> dict[str, str]:
    return {**request_fields(request.META), "X-Request-ID": current_request_id.get()}


def _prefers_async(request: HttpRequest) -> bool:
    """Whether the Prefer header (RFC 7240) has respond-async; its parameters are ignored."""
    preferences = request.META.get("HTTP_PREFER", "").split(",")
    return any(item.split(";")[0].strip().lower() == "respond-async" for item in preferences)
