"""Paths under `/llm/`."""

from django.urls import path

from jobs.urls import paths as job_paths
from recording.urls import paths
from text_to_sql.source import EXECUTIONS, LLM_CALLS
from text_to_sql.statement_jobs import SQL
from text_to_sql.views.execution import Execution
from text_to_sql.views.questions import EarlierQuestions, Question, Verification

urlpatterns = [
    path("generate-sql/db/<int:database_id>", Question.as_view(), name="generate-sql"),
    path("questions/db/<int:database_id>", EarlierQuestions.as_view(), name="questions"),
    path("execute-sql/db/<int:database_id>/<slug:session_id>", Execution.as_view(), name="execute-sql"),
    path("execute-sql/db/<int:database_id>/<slug:session_id>/verify", Verification.as_view(), name="verify-sql"),
    *job_paths(SQL, "execute-sql/jobs/", None),
    *paths(EXECUTIONS, "executions/"),
    *paths(LLM_CALLS, "logs/"),
]
