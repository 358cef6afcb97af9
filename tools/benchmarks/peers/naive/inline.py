"""A plain view that writes the row before it answers."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tools.benchmarks.peers.naive.model_client import call_model, read, row_fields
from tools.benchmarks.peers.naive.models import Prediction


@csrf_exempt
def predict(request: HttpRequest) -> JsonResponse:
    """Calls the model, writes the row, answers."""
    body = read(request.body)
    answer = call_model(body)
    Prediction.objects.create(**row_fields(body, answer))
    return JsonResponse(answer)


urlpatterns = [path("predict/", predict)]
