"""`/llm/generate-sql/…`, `/llm/questions/…` and `…/verify`: the SQL for a question, earlier ones, verified examples."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller_of
from common.query_params import LIMIT_SCHEMA, Readers, cursor, limit, next_link, read_query, refuse_parameters
from common.responses import json_response
from common.schemas import sent_field
from text_to_sql import answers, bodies, questions
from text_to_sql.asked import Asked
from text_to_sql.catalogue import registered
from text_to_sql.execution.visibility import groups_of
from text_to_sql.models import QuestionSession
from text_to_sql.permissions import CHANGE_DATABASES, RUN_SQL
from text_to_sql.serializers import EarlierQuestion, ExampleSchema, ExecutionRequest, QuestionRequest, QuestionResponse
from text_to_sql.views.execution import query_of, session_of


class Question(APIView):
    """Answers a question with SQL."""

    needs: ClassVar = {"POST": RUN_SQL}

    @extend_schema(
        operation_id="generate_sql",
        summary="The SQL for a question",
        description=(
            "A question that equals a verified example, up to case, spacing, particles and numbers, gets its SQL. "
            "Others need a language model. A 422 says what is missing in the tables, or that a model is needed."
        ),
        request=QuestionRequest,
        responses=QuestionResponse,
    )
    def post(self, request: Request, database_id: int) -> HttpResponse:
        """Returns the SQL, and the session id to run it."""
        refuse_parameters(request)
        question, caller = bodies.read(request, QuestionRequest)["question"], caller_of(request)
        database = registered(database_id)
        asked = Asked(database=database, question=question, caller=caller.name, groups=groups_of(caller))
        return json_response(answers.answer(asked))


class EarlierQuestions(APIView):
    """The caller's own questions that were answered with SQL."""

    needs: ClassVar = dict.fromkeys(("GET", "HEAD"), RUN_SQL)

    @extend_schema(
        operation_id="list_questions",
        summary="Your earlier questions, newest first",
        description="Those that were answered with SQL. The Link field, rel=next, names the next page.",
        parameters=[
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Questions of a page."),
            OpenApiParameter("cursor", str, description="Opaque, from the Link field."),
            sent_field("Link", "The next page, rel=next, if there is one.", 200),
        ],
        responses=EarlierQuestion(many=True),
    )
    def get(self, request: Request, database_id: int) -> HttpResponse:
        """Lists one page."""
        query = read_query(request, _PAGE)
        count: int = query.get("limit", 100)
        own = QuestionSession.objects.filter(database=registered(database_id), caller=caller_of(request).name)
        after = {"pk__lt": query["after"]} if "after" in query else {}
        found = list(own.filter(**after).order_by("-pk")[: count + 1])
        response = json_response(EarlierQuestion(found[:count], many=True).data)
        if len(found) > count:
            response["Link"] = next_link(request, str(found[count - 1].pk))
        return response


class Verification(APIView):
    """Keeps a question with its SQL."""

    needs: ClassVar = {"POST": CHANGE_DATABASES}

    @extend_schema(
        operation_id="verify_sql",
        summary="Keep a session's question and SQL as a verified example",
        description="The SQL of the body, if a person corrected it; without a body, that of the session.",
        request=ExecutionRequest,
        responses={201: ExampleSchema, 200: ExampleSchema},
    )
    def post(self, request: Request, database_id: int, session_id: str) -> HttpResponse:
        """Stores the example; an equal one stays as it is."""
        refuse_parameters(request)
        database = registered(database_id)
        session = session_of(database, session_id)
        example, is_new = questions.verify(session, query_of(request, database, session_id))
        return json_response(ExampleSchema(example).data, status=201 if is_new else 200)


_PAGE: Readers = {"limit": ("limit", limit), "cursor": ("after", cursor(UUID))}
