"""A plain view that writes the row before it answers."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tools.benchmarks.peers.naive.asking import ask_model, fields_of, read
from tools.benchmarks.peers.naive.models import Prediction


@csrf_exempt
def predict(request: HttpRequest) -> JsonResponse:
    """Asks, writes, answers."""
    body = read(request.body)
    answer = ask_model(body)
    Prediction.objects.create(**fields_of(body, answer))
    return JsonResponse(answer)


urlpatterns = [path("predict/", predict)]
