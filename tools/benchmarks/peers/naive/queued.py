"""The baseline: a plain view, a task for each prediction."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tools.benchmarks.peers.naive.model_client import call_model, read, row_fields
from tools.benchmarks.peers.naive.tasks import save_prediction


@csrf_exempt
def predict(request: HttpRequest) -> JsonResponse:
    """Calls the model, queues the task, answers."""
    body = read(request.body)
    answer = call_model(body)
    save_prediction.delay(**row_fields(body, answer))
    return JsonResponse(answer)


urlpatterns = [path("predict/", predict)]
