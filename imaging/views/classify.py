"""`POST /ai/classify/`: is it a desk? With a `callback_url`, a desk goes on to be redrawn."""

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller_of
from common.query_params import one_of, read_query
from common.request_body import read_body
from common.responses import json_response
from imaging import calls, picture_request
from imaging.calls import Origin
from imaging.generation.requests import Wanted, start
from imaging.permissions import USE_IMAGING
from imaging.serializers import ClassifyRequest, ClassifyResponse, ClassifyUpload
from imaging.services.desk_classify import DESK_CLASSIFY
from jobs.views import location_of
from jobs.webhooks import deliveries


class Classify(APIView):
    """Classifies a picture."""

    needs: ClassVar = {"POST": USE_IMAGING}

    @extend_schema(
        operation_id="classify_desk",
        summary="Is it a desk?",
        description=(
            "The picture is fetched from a public address, or uploaded. It is decoded and encoded anew, without EXIF "
            "and location, before a model or the log gets it. Each call is a record, with the picture as attachment. "
            "Without the model's weights on this machine: 503. With `callback_url`, a desk is redrawn by a job, which "
            "begins with this picture; the ended job is sent to that URL. A picture without a desk sends nothing."
        ),
        parameters=[OpenApiParameter("details", str, enum=["true", "false"], description="Adds classes.")],
        request={"application/json": ClassifyRequest, "multipart/form-data": ClassifyUpload},
        responses=ClassifyResponse,
    )
    def post(self, request: Request) -> HttpResponse:
        """Says whether it is a desk."""
        query = read_query(request, {"details": ("details", one_of(("true", "false")))})
        body = read_body(request, may_be_form=True)
        asked = picture_request.read(request.META.get("CONTENT_TYPE", ""), body)
        if asked.callback_url is not None:
            deliveries.check_url(asked.callback_url)
        picture, caller = asked.picture(), caller_of(request).name
        found = calls.perform(DESK_CLASSIFY, picture, Origin(caller), {"picture": picture})
        details = found.described() if query.get("details") == "true" else {}
        answer = {"initial_image_url": asked.url, "classify": found.is_desk} | details
        if asked.callback_url is None or not found.is_desk:
            return json_response(answer)
        wanted = Wanted(asked=asked, version="v1", caller=caller, picture=picture, classification=found)
        job = start(wanted, key=request.META.get("HTTP_IDEMPOTENCY_KEY"))
        response = json_response(answer | {"job": job.id})
        response["Location"] = location_of(request, job)
        return response
