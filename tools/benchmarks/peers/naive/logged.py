"""The same as `inline`, as a Django REST framework view: drf-api-logger logs only these."""

from typing import Any, cast

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tools.benchmarks.peers.naive.model_client import call_model, row_fields
from tools.benchmarks.peers.naive.models import Prediction


class Predict(APIView):
    """`POST predict/`."""

    def post(self, request: Request) -> Response:
        """Calls the model, writes the row, answers."""
        body = cast("dict[str, Any]", request.data)
        answer = call_model(body)
        Prediction.objects.create(**row_fields(body, answer))
        return Response(answer)


urlpatterns = [path("predict/", Predict.as_view())]
