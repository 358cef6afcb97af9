"""`history/{id}/feedback/`: a doctor's word about an inference."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ml_proxy.use_cases import verdicts
from ml_proxy.use_cases.verdict_bodies import read_said
from ml_proxy.views import access
from ml_proxy.views.parsing import read_body
from ml_proxy.views.queries import LIMIT_SCHEMA, Readers, cursor, limit, next_link, read_query, refuse_parameters
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import VERDICT_BODY, VerdictSchema, sent_field


class Feedback(APIView):
    """The verdicts of one inference."""

    needs: ClassVar = {"GET": access.READ_VERDICTS, "HEAD": access.READ_VERDICTS, "POST": access.JUDGE}

    @extend_schema(
        operation_id="list_verdicts",
        summary="What doctors said of an inference, newest first",
        description="The newest counts. More pages are named by the Link field, rel=next.",
        parameters=[
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Verdicts of a page."),
            OpenApiParameter("cursor", str, description="Opaque, from the Link field."),
            sent_field("Link", "The next page, rel=next, where there is more.", 200),
        ],
        responses=VerdictSchema(many=True),
    )
    def get(self, request: Request, inference_id: UUID) -> HttpResponse:
        """One page of verdicts."""
        page = verdicts.page(inference_id, **read_query(request, _READERS))
        response = json_response([verdicts.described(verdict) for verdict in page.verdicts])
        if page.next:
            response["Link"] = next_link(request, str(page.next))
        return response

    @extend_schema(
        operation_id="judge",
        summary="Say whether the model was right",
        description=(
            "Supersedes what was said before, of which nothing is erased. The answer's label is what the inference is "
            "held to be: the given one, or the model's (null where its answer has no predictions[0].label)."
        ),
        request=VERDICT_BODY,
        responses={
            201: VerdictSchema,
            200: OpenApiResponse(VerdictSchema, description="The newest verdict, which the same caller repeats."),
        },
    )
    def post(self, request: Request, inference_id: UUID) -> HttpResponse:
        """Takes a verdict."""
        refuse_parameters(request)
        said = read_said(read_body(request))
        verdict, is_new = verdicts.give(inference_id, said, access.caller_of(request))
        return json_response(verdicts.described(verdict), status=201 if is_new else 200)


_READERS: Readers = {"limit": ("limit", limit), "cursor": ("after", cursor(int))}
