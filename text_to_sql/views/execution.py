"""`/llm/execute-sql/…`: runs a statement."""

from typing import ClassVar

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import permissions
from common.query_params import one_of, read_query
from common.responses import json_response
from text_to_sql import bodies
from text_to_sql.execution import service
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
        query = bodies.read(request, ExecutionRequest)["query"]
        asked = service.Request(
            database=database,
            session_id=session_id,
            query=query,
            caller=permissions.caller_of(request),
            groups=groups_of(request),
        )
        return json_response(service.execute(asked).described())


def groups_of(request: Request) -> frozenset[int] | None:
    """The ids of the caller's groups, for the rules of rows; None if no rule holds for the caller."""
    if settings.API_AUTH == "open" or request.user.is_superuser:
        return None
    return frozenset(request.user.groups.values_list("id", flat=True))
