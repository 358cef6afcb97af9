"""The yardstick: a plain view, a task for each prediction."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tools.benchmarks.peers.naive.asking import ask_model, fields_of, read
from tools.benchmarks.peers.naive.tasks import save_prediction


@csrf_exempt
def predict(request: HttpRequest) -> JsonResponse:
    """Asks, queues, answers."""
    body = read(request.body)
    answer = ask_model(body)
    save_prediction.delay(**fields_of(body, answer))
    return JsonResponse(answer)


urlpatterns = [path("predict/", predict)]
