"""`history/{id}/feedback/`: doctors' verdicts on an inference."""

from dataclasses import asdict
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access_log import purpose_of
from accounts.callers import caller_of
from common import access
from common.query_params import LIMIT_SCHEMA, Readers, cursor, limit, next_link, read_query, refuse_parameters
from common.request_body import read_body
from common.responses import json_response
from common.row_scope import scope_of
from common.schemas import sent_field
from ml_proxy import feedback, history
from ml_proxy.feedback_requests import read_request
from ml_proxy.permissions import GIVE_FEEDBACK, READ_FEEDBACK
from ml_proxy.serializers import FEEDBACK_BODY, FeedbackSchema


class FeedbackList(APIView):
    """The verdicts on one inference."""

    needs: ClassVar = {"GET": READ_FEEDBACK, "HEAD": READ_FEEDBACK, "POST": GIVE_FEEDBACK}

    @extend_schema(
        operation_id="list_feedback",
        summary="Verdicts on an inference, newest first",
        description="The newest verdict counts. The Link header, rel=next, has the URL of the next page.",
        parameters=[
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Verdicts per page."),
            OpenApiParameter("cursor", str, description="An opaque cursor from the Link header."),
            sent_field("Link", "The next page, rel=next, if there is one.", 200),
        ],
        responses=FeedbackSchema(many=True),
    )
    def get(self, request: Request, inference_id: UUID) -> HttpResponse:
        """Returns one page of verdicts."""
        query = read_query(request, _READERS)
        page = feedback.page(inference_id, scope_of(request), **query)
        _note(request, "feedback.list", inference_id, len(page.feedback))
        response = json_response([feedback.described(verdict) for verdict in page.feedback])
        if page.next:
            response["Link"] = next_link(request, str(page.next))
        return response

    @extend_schema(
        operation_id="give_feedback",
        summary="Submit whether the model was right",
        description=(
            "Supersedes earlier verdicts, which are kept. The label in the response is the given one, or the model's "
            "(null if its answer has no predictions[0].label)."
        ),
        request=FEEDBACK_BODY,
        responses={
            201: FeedbackSchema,
            200: OpenApiResponse(FeedbackSchema, description="The newest verdict, if the same caller repeated it."),
        },
    )
    def post(self, request: Request, inference_id: UUID) -> HttpResponse:
        """Stores a verdict."""
        refuse_parameters(request)
        purpose_of(request)  # one that can't be kept is refused before the verdict is stored
        feedback_request = read_request(read_body(request))
        verdict, is_new = feedback.submit(inference_id, feedback_request, caller_of(request))
        _note(request, "feedback.create", inference_id, 1)
        return json_response(feedback.described(verdict), status=201 if is_new else 200)


def _note(request: Request, action: str, inference_id: UUID, rows: int) -> None:
    """Notes an access to verdicts; they concern the inference's patient."""
    people = asdict(access.subjects_of(history.people([inference_id])))
    access.note(request, action, rows=rows, filters={"inference": inference_id}, **people)


_READERS: Readers = {"limit": ("limit", limit), "cursor": ("after", cursor(int))}
