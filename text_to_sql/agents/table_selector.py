"""Chooses the tables that a question needs, among those that were ranked best without a model."""

from collections.abc import Sequence
from typing import Any

from common.conf import settings
from text_to_sql.agents import schema_text
from text_to_sql.agents.prompts import prompt
from text_to_sql.agents.reading import json_object
from text_to_sql.exceptions import LanguageModelUnusable
from text_to_sql.guard import Catalogue
from text_to_sql.llm import calls
from text_to_sql.llm.attempt import Parent
from text_to_sql.models import Table

NAME, VERSION = "table_selector", "1"
ENOUGH = 4  # so few tables are not worth a call

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"tables": {"type": "array", "items": {"type": "string"}}},
    "required": ["tables"],
    "additionalProperties": False,
}


def select(parent: Parent, question: str, candidates: Sequence[Table], catalogue: Catalogue) -> list[Table]:
    """The tables that the model chooses; all candidates if there are few, or if it chooses none of them.

    A small model gets all of them: choosing costs it more answers than a long prompt does.
    Raises `LanguageModelError`.
    """
    if len(candidates) <= ENOUGH or settings.LLM_SMALL_MODEL:
        return list(candidates)
    listed = schema_text.overview(candidates, catalogue)
    messages = [
        {"role": "system", "content": prompt(NAME, VERSION).substitute(tables=listed)},
        {"role": "user", "content": f"Question: {question}"},
    ]
    try:
        names, _ = calls.ask(parent, AGENT, messages)
    except LanguageModelUnusable:
        return list(candidates)
    return [table for table in candidates if table.name in names] or list(candidates)


def read(text: str) -> set[str]:
    """The names in an answer. Raises `ValueError`."""
    names = json_object(text).get("tables")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("it has no list of tables")
    return set(names)


AGENT = calls.Agent(name=NAME, version=VERSION, read=read, max_tokens=500, schema=SCHEMA)
