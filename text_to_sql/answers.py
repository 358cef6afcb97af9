"""Answers a question with SQL: that of an equal verified example, or else a model's."""

from dataclasses import asdict
from typing import Any

from common.conf import settings
from text_to_sql import evaluation_standard, generation, questions
from text_to_sql.agents import query_generator
from text_to_sql.asked import Asked
from text_to_sql.llm import calls
from text_to_sql.models import QuestionSession

HOW = "To connect a model, set LLM_BASE_URL and LLM_MODEL, or run `make llm`: docs/text-to-sql.md."


def answer(asked: Asked, *, any_model: bool = False) -> dict[str, Any]:
    """The members of the response. `any_model` also asks one that an evaluation found worse, to evaluate it again.

    Raises `ModelNeeded` without a model, `ModelNotAccepted`, and what `generation.generate` raises.
    """
    if found := questions.answer(asked):
        session, example = found
        shown = {"id": example.pk, "question": example.question, "sql": example.sql}
        return {**_described(session), "example": shown, "model": None, "warning": None, "doubts": []}
    if not calls.is_configured():
        raise questions.model_needed(asked, HOW)
    if not any_model:
        evaluation_standard.require_accepted(settings.LLM_MODEL, query_generator.VERSION)
    session, model = generation.generate(asked)
    doubts = [asdict(doubt) for doubt in generation.doubts(asked, session.sql)]
    told = {"model": asdict(model), "warning": generation.warning(), "doubts": doubts}
    return {**_described(session), "example": None, **told}


def _described(session: QuestionSession) -> dict[str, Any]:
    return {
        "id": session.pk,
        "session_id": session.pk,
        "query": session.sql,
        "sql": session.sql,
        "result": "SUCCESS",
    }
