"""From a question to SQL with a language model: choose tables, write, have it planned, correct it once.

A small model writes a few other drafts if its SQL can't run or does not fit the question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from common.conf import settings
from common.ids import uuid7
from text_to_sql import draft_doubts, ranking, value_links
from text_to_sql.agents import nearest_examples, query_generator, schema_text, table_selector
from text_to_sql.agents.query_generator import Draft, Material
from text_to_sql.asked import Asked
from text_to_sql.draft_doubts import Columns, Doubt
from text_to_sql.exceptions import CannotAnswer, LanguageModelError, NotAnswered, StatementFailed, StatementRefused
from text_to_sql.execution.planning import plan
from text_to_sql.guard import UNKNOWN_NAMES, Catalogue
from text_to_sql.known_tables import KnownTables, columns_of, kept
from text_to_sql.llm import client
from text_to_sql.llm.attempt import Parent
from text_to_sql.models import Column, QuestionSession, Table
from text_to_sql.whole_division import width

WARNING = "small model, check the SQL"
_OTHER_DRAFTS = 5
_DATE_TYPES = ("DATE", "TIMESTAMP")
_NUMBER_TYPE = re.compile(r"(?:TINY|SMALL|MEDIUM|BIG)?INT|DEC|NUM|REAL|FLOAT|DOUBLE|MONEY", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ModelName:
    """Which model wrote the SQL."""

    name: str
    provider: str
    prompt_version: str


def generate(asked: Asked) -> tuple[QuestionSession, ModelName]:
    """A new session with SQL that the guard allows and the database can plan.

    Raises `CannotAnswer`, `NotAnswered`, `LanguageModelError`, `TargetError`, or `NotRecorded`.
    """
    session_id = uuid7()
    parent = Parent(database=asked.database, session_id=str(session_id), caller=asked.caller)
    draft = _drafted(parent, asked)
    session = QuestionSession.objects.create(
        id=session_id, database=asked.database, caller=asked.caller, question=asked.question, sql=draft.sql
    )
    return session, ModelName(name=draft.model, provider=client.provider(), prompt_version=query_generator.VERSION)


def _drafted(parent: Parent, asked: Asked) -> Draft:
    candidates, catalogue = _candidates(asked), asked.catalogue
    chosen = table_selector.select(parent, asked.question, candidates, catalogue)
    material = _material(asked, chosen)
    draft = query_generator.write(parent, material)
    if draft.missing and len(chosen) < len(candidates):  # perhaps it is in a table that was not chosen
        material = _material(asked, candidates)
        draft = query_generator.write(parent, material)
    refusal = _refusal(parent, draft, catalogue)
    if refusal:
        draft = query_generator.repair(parent, material, draft, refusal.detail)
        refusal = _refusal(parent, draft, catalogue)
    error = _given_up(refusal) if refusal else None
    may_be_better = settings.LLM_SMALL_MODEL and not isinstance(error, CannotAnswer)
    if may_be_better and (error or doubts(asked, draft.sql)) and (other := _other_draft(parent, material, asked)):
        return other
    if error:
        raise error
    return draft


def _other_draft(parent: Parent, material: Material, asked: Asked) -> Draft | None:
    """The first one that can run and leaves no doubt, if the model writes one in time."""
    for seed in range(1, _OTHER_DRAFTS + 1):
        try:
            draft = query_generator.write(parent, material, seed)
        except LanguageModelError:
            return None
        can_run = not draft.missing and _refusal(parent, draft, asked.catalogue) is None
        if can_run and not doubts(asked, draft.sql):
            return draft
    return None


def _candidates(asked: Asked) -> list[Table]:
    visible = set(asked.catalogue.names())
    found = [table for table in ranking.rank(asked.known, asked.question) if table.name in visible]
    if not found:
        raise CannotAnswer("No tables are known: POST /ddp/db/{id}/extract/table reads them, and …/table stores them.")
    return found


def _material(asked: Asked, tables: Sequence[Table]) -> Material:
    catalogue, known = asked.catalogue, asked.known
    with_values = [table for table in tables if schema_text.shows_values(table.name, catalogue)]
    words = schema_text.synonyms(known, tables, catalogue)
    return Material(
        dialect=asked.database.engine,
        schema="\n\n".join(filter(None, (schema_text.ddl(tables, catalogue), words))),
        joins=schema_text.joins(tables, catalogue),
        examples=nearest_examples.nearest(asked),
        links=value_links.links(with_values, known.synonyms, asked.question),
        question=asked.question,
    )


def _refusal(parent: Parent, draft: Draft, catalogue: Catalogue) -> StatementRefused | StatementFailed | None:
    """Why the draft can't run. Raises `CannotAnswer` if the model says what is missing."""
    if draft.missing:
        raise CannotAnswer(f"The model says what is missing: {draft.missing}. Ask for what the tables hold.")
    try:
        plan(parent.database, draft.sql, catalogue, parent.left())
    except (StatementRefused, StatementFailed) as exc:
        return exc
    return None


def _given_up(refusal: StatementRefused | StatementFailed) -> CannotAnswer | NotAnswered:
    """The error after a correction. A model that still names what no table has looks for what is missing."""
    if isinstance(refusal, StatementRefused) and refusal.reason in UNKNOWN_NAMES:
        return CannotAnswer(f"The model looks for what the tables do not hold. {refusal.detail}")
    return NotAnswered(f"The model's SQL can't run, also after a correction: ask in other words. {refusal.detail}")


def doubts(asked: Asked, sql: str) -> list[Doubt]:
    """What in the SQL does not fit the question."""
    return draft_doubts.doubts(asked.question, sql, asked.database.engine, _columns(asked.known))


@kept
def _columns(known: KnownTables) -> Columns:
    types = {
        table.name.lower(): {column.name.lower(): column.data_type for column in table.columns.all()}
        for table in known.tables
    }
    dates = {name for each in types.values() for name, kind in each.items() if kind.upper().startswith(_DATE_TYPES)}
    widths = {table: {name: width(kind) for name, kind in each.items()} for table, each in types.items()}
    amounts = {column.name.lower() for column in columns_of(known) if _is_amount(column)}
    labels = {name for each in types.values() for name in each} - amounts
    return Columns(dates=dates, labels=labels, widths=widths)


def _is_amount(column: Column) -> bool:
    is_key = column.primary_key or bool(column.references)
    return not is_key and bool(_NUMBER_TYPE.match(column.data_type))


def warning() -> str | None:
    """What a reader of the SQL should know."""
    return WARNING if settings.LLM_SMALL_MODEL else None
