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
from common.query_params import one_of, read_query
from common.responses import json_response
from text_to_sql import bodies
from text_to_sql.execution import service
from text_to_sql.models import Database, QuestionSession
from text_to_sql.permissions import RUN_SQL
from text_to_sql.serializers import ExecutionRequest, ExecutionResponse
from text_to_sql.views.databases import database_or_404


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
        query, caller = query_of(request, database, session_id), caller_of(request)
        asked = service.Request(
            database=database,
            session_id=session_id,
            query=query,
            caller=caller.name,
            groups=groups_of(caller),
        )
        return json_response(service.execute(asked).described())


def query_of(request: Request, database: Database, session_id: str) -> str:
    """The statement of the body; without a body, that of the session."""
    if request.META.get("CONTENT_LENGTH") not in {None, "", "0"} or "HTTP_TRANSFER_ENCODING" in request.META:
        value = bodies.read_json(request)
        if value:
            return str(bodies.valid(value, ExecutionRequest)["query"])
    return str(session_of(database, session_id).sql)


def session_of(database: Database, session_id: str) -> QuestionSession:
    """The question's session. Raises `NoSuchRecord`."""
    try:
        return QuestionSession.objects.get(database=database, pk=UUID(session_id))
    except (ValueError, QuestionSession.DoesNotExist):
        raise NoSuchRecord('No question has this session id: send the statement as {"query": …}.') from None


def groups_of(caller: Caller) -> frozenset[int] | None:
    """The ids of the caller's groups, for the rules of rows; None if no rule holds for the caller."""
    if caller.is_superuser:
        return None
    return frozenset(Group.objects.filter(user__username=caller.name).values_list("id", flat=True))
