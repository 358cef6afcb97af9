"""`POST /ml/v1/predict/`. A plain Django view for low latency: a doctor waits for the response."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.permissions import authorize
from common.logs import current_request_id
from common.request_body import read_body, require_method
from ml_proxy.idempotency import predict_once
from ml_proxy.permissions import PREDICT
from ml_proxy.predictions import Call, predict
from ml_proxy.proxy_response import ProxyResponse, query_of
from ml_proxy.upstream.headers import request_fields


@csrf_exempt  # session authentication checks the token itself
def predict_view(request: HttpRequest) -> HttpResponse:
    """Responds with the model's answer; a 2xx is recorded before the response starts."""
    require_method(request, "POST")
    caller = authorize(request, PREDICT)
    call = Call(
        body=read_body(request, may_be_form=True),
        fields=request_fields(request.META),
        path=request.path,
        query=query_of(request),
        request_id=current_request_id.get(),
        caller=caller.name,
        doctors=caller.doctors,
    )
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    outcome = predict(call) if key is None else predict_once(call, key)
    response = ProxyResponse(outcome.answer, request)
    if outcome.record is not None:
        response["X-Inference-ID"] = str(outcome.record.id)
    return response
