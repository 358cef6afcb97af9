"""`/llm/execute-sql/…`: runs a statement."""

from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import Group
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import Caller, caller_of
from common.exceptions import NoSuchRecord
from common.query_params import one_of, read_query, refuse_parameters
from common.responses import json_response
from text_to_sql import bodies, questions
from text_to_sql.execution import service
from text_to_sql.models import Database, QuestionSession
from text_to_sql.permissions import CHANGE_DATABASES, RUN_SQL
from text_to_sql.serializers import (
    ExampleSchema,
    ExecutionRequest,
    ExecutionResponse,
    QuestionRequest,
    QuestionResponse,
)
from text_to_sql.views.databases import database_or_404


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


class Execution(APIView):
    """Runs one statement."""

    needs: ClassVar = {"POST": RUN_SQL}

    @extend_schema(
        operation_id="execute_sql",
        summary="Run a SELECT",
        description=(
            "The guard checks the statement, the database plans it, then it runs. Each attempt is a record, also one "
            "that is refused. Decimals are JSON numbers with all their digits; bytes are base64."
        ),
        parameters=[OpenApiParameter("summarize", str, enum=["true", "false"], description="No summary yet: null.")],
        request=ExecutionRequest,
        responses=ExecutionResponse,
    )
    def post(self, request: Request, database_id: int, session_id: str) -> HttpResponse:
        """Returns the rows."""
        read_query(request, {"summarize": ("summarize", one_of(("true", "false", "1", "0")))})
        database = database_or_404(database_id)
        query, caller = _query(request, database, session_id), caller_of(request)
        asked = service.Request(
            database=database,
            session_id=session_id,
            query=query,
            caller=caller.name,
            groups=groups_of(caller),
        )
        return json_response(service.execute(asked).described())


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
        session = _session(database, session_id)
        example, is_new = questions.verify(session, _query(request, database, session_id))
        return json_response(ExampleSchema(example).data, status=201 if is_new else 200)


def _query(request: Request, database: Database, session_id: str) -> str:
    """The statement of the body; without a body, that of the session."""
    if request.META.get("CONTENT_LENGTH") not in {None, "", "0"} or "HTTP_TRANSFER_ENCODING" in request.META:
        value = bodies.read_json(request)
        if value:
            return str(bodies.valid(value, ExecutionRequest)["query"])
    return str(_session(database, session_id).sql)


def _session(database: Database, session_id: str) -> QuestionSession:
    try:
        return QuestionSession.objects.get(database=database, pk=UUID(session_id))
    except (ValueError, QuestionSession.DoesNotExist):
        raise NoSuchRecord('No question has this session id: send the statement as {"query": …}.') from None


def groups_of(caller: Caller) -> frozenset[int] | None:
    """The ids of the caller's groups, for the rules of rows; None if no rule holds for the caller."""
    if caller.is_superuser:
        return None
    return frozenset(Group.objects.filter(user__username=caller.name).values_list("id", flat=True))
