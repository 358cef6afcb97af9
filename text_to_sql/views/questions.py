"""`/llm/generate-sql/…` and `…/verify`: the SQL for a question, and verified examples."""

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller_of
from common.query_params import refuse_parameters
from common.responses import json_response
from text_to_sql import bodies, questions
from text_to_sql.permissions import CHANGE_DATABASES, RUN_SQL
from text_to_sql.serializers import ExampleSchema, ExecutionRequest, QuestionRequest, QuestionResponse
from text_to_sql.views.databases import database_or_404
from text_to_sql.views.execution import groups_of, query_of, session_of


class Question(APIView):
    """Answers a question with SQL."""

    needs: ClassVar = {"POST": RUN_SQL}

    @extend_schema(
        operation_id="generate_sql",
        summary="The SQL for a question",
        description="So far a question must equal a verified example, up to case, spacing, particles and numbers.",
        request=QuestionRequest,
        responses=QuestionResponse,
    )
    def post(self, request: Request, database_id: int) -> HttpResponse:
        """Returns the SQL, and the session id to run it."""
        refuse_parameters(request)
        question = bodies.read(request, QuestionRequest)["question"]
        session, example = questions.answer(database_or_404(database_id), question, groups_of(caller_of(request)))
        members = {"id": session.pk, "session_id": session.pk, "query": session.sql, "sql": session.sql}
        shown = {"id": example.pk, "question": example.question, "sql": example.sql}
        return json_response({**members, "result": "SUCCESS", "example": shown})


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
        database = database_or_404(database_id)
        session = session_of(database, session_id)
        example, is_new = questions.verify(session, query_of(request, database, session_id))
        return json_response(ExampleSchema(example).data, status=201 if is_new else 200)
