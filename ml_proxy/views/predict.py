"""`POST /ml/v1/predict/`. A plain Django view for low latency: a doctor waits for the response."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.access_log import note_failure, note_refusal
from accounts.permissions import PermissionLacking, authorize
from accounts.throttling import limit
from common.logs import current_request_id
from common.problem_details import as_gateway_error
from common.request_body import read_body, require_method
from ml_proxy.idempotency import predict_once
from ml_proxy.permissions import PREDICT
from ml_proxy.predictions import Call, predict
from ml_proxy.proxy_response import ProxyResponse, query_of
from ml_proxy.upstream.headers import request_fields
from recording.exceptions import NotRecorded

FAILED = "prediction.failed"


@csrf_exempt  # session authentication checks the token itself
def predict_view(request: HttpRequest) -> HttpResponse:
    """Responds with the model's answer; a 2xx is recorded before the response starts."""
    require_method(request, "POST")
    try:
        caller = authorize(request, PREDICT)
        limit(request, "predict")
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
    except Exception as exc:
        _note_error(request, exc)
        raise
    response = ProxyResponse(outcome.answer)
    if outcome.record is not None:
        response["X-Inference-ID"] = str(outcome.record.id)
    else:  # no row says that the model was called
        status = outcome.answer.status
        note_failure(request, FAILED, status=status, reason=f"the model server answered {status}")
    return response


def _note_error(request: HttpRequest, exc: Exception) -> None:
    """Notes the kind of an error, which names nobody."""
    if isinstance(exc, NotRecorded | PermissionLacking):  # what just refused a record would refuse this one too, and
        return  # after as long a wait; a lacking permission is noted already
    error = as_gateway_error(exc)
    write = note_refusal if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else note_failure
    write(request, FAILED, status=error.status, reason=error.kind)
