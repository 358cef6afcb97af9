"""`/llm/execute-sql/…`: runs a statement."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller_of
from common.caller_presence import is_waiting
from common.exceptions import BadInput, NoSuchRecord
from common.file_response import FORM_READERS, file_fields
from common.idempotency_keys import request_digest
from common.logs import current_request_id
from common.query_params import Readers, one_of, read_query
from common.responses import json_response
from common.schemas import KEY_SCHEMA, sent_field
from jobs.serializers import JobSchema
from jobs.urls import KEY
from jobs.views import accepted
from text_to_sql import bodies, summaries
from text_to_sql.catalogue import registered
from text_to_sql.execution import files, job, service
from text_to_sql.execution.visibility import groups_of
from text_to_sql.execution.watch import Audience
from text_to_sql.models import Database, QuestionSession
from text_to_sql.permissions import RUN_SQL
from text_to_sql.serializers import ExecutionRequest, ExecutionResponse


class Execution(APIView):
    """Runs one statement."""

    needs: ClassVar = {"POST": RUN_SQL}

    @extend_schema(
        operation_id="execute_sql",
        summary="Run a SELECT",
        description=(
            "The guard checks the statement, the database plans it, then it runs. Each attempt is a record, also one "
            "that is refused. Decimals are JSON numbers with all their digits; bytes are base64. If the caller hangs "
            "up, the statement is cancelled in the database."
        ),
        parameters=[
            OpenApiParameter("summarize", str, enum=["true", "false"], description="Whether to summarize the result."),
            OpenApiParameter(
                "format", str, enum=list(files.FORMS), description="Default: what Accept prefers, else json."
            ),
            *file_fields()[1:3],
            OpenApiParameter(
                "Prefer", str, OpenApiParameter.HEADER, description="respond-async runs it as a job: 202, see Location."
            ),
            OpenApiParameter("Idempotency-Key", KEY_SCHEMA, OpenApiParameter.HEADER, description=KEY),
            sent_field("X-Truncated", "Of a file: 1 if there are more rows than QUERY_MAX_ROWS or _BYTES.", 200),
        ],
        request=ExecutionRequest,
        responses={
            200: ExecutionResponse,
            **{(200, media): OpenApiTypes.BINARY for media in files.MEDIA_TYPES},
            202: JobSchema,
        },
    )
    def post(self, request: Request, database_id: int, session_id: str) -> HttpResponse:
        """Returns the rows, or the job that fetches them."""
        options = read_query(request, _READERS)
        form = files.chosen(options, request.headers.get("Accept", ""))
        database = registered(database_id)
        query, caller = query_of(request, database, session_id), caller_of(request)
        asked = service.Request(
            database=database,
            session_id=session_id,
            query=query,
            caller=caller.name,
            groups=groups_of(caller),
            seconds=settings.QUERY_SECONDS,
            audience=Audience(is_wanted=is_waiting(request)),
        )
        summarize = options.get("summarize") in {"true", "1"}
        if _is_async(request):
            return _started(request, asked, form, summarize)
        result = service.execute(asked)
        if form.name != files.JSON:
            return files.response(result, form)
        summary = summaries.summarize(asked, result) if summarize else None
        return json_response({**result.described(), "summary": summary})


def _is_async(request: Request) -> bool:
    """Whether the caller prefers a job (RFC 7240)."""
    preferences = request.headers.get("Prefer", "").split(",")
    return any(each.partition(";")[0].strip().lower() == "respond-async" for each in preferences)


def _started(request: Request, asked: service.Request, form: files.Form, summarize: bool) -> HttpResponse:
    if form.name != files.JSON:
        raise BadInput("A job keeps its result as JSON: leave format out, or Prefer.")
    digest = request_digest(
        request.method or "", request.path, request.META.get("QUERY_STRING", ""), asked.query.encode()
    )
    started = job.start(
        asked,
        summarize=summarize,
        digest=digest,
        request_id=current_request_id.get(),
        key=request.META.get("HTTP_IDEMPOTENCY_KEY"),
    )
    response = accepted(request, started)
    response["Preference-Applied"] = "respond-async"
    return response


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


_READERS: Readers = {
    "summarize": ("summarize", one_of(("true", "false", "1", "0"))),
    "format": ("format", files.form_name),
    "bom": FORM_READERS["bom"],
    "safe_cells": FORM_READERS["safe_cells"],
}
