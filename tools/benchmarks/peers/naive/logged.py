"""The same as `inline`, as a view of Django REST framework: drf-api-logger sees no others."""

from typing import Any, cast

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tools.benchmarks.peers.naive.asking import ask_model, fields_of
from tools.benchmarks.peers.naive.models import Prediction


class Predict(APIView):
    """`POST predict/`."""

    def post(self, request: Request) -> Response:
        """Asks, writes, answers."""
        body = cast("dict[str, Any]", request.data)
        answer = ask_model(body)
        Prediction.objects.create(**fields_of(body, answer))
        return Response(answer)


urlpatterns = [path("predict/", Predict.as_view())]
