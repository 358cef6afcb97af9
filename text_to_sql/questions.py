"""Questions without a model: a question that equals a verified example gets that example's SQL."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from django.db.models import Prefetch

from text_to_sql import example_templates
from text_to_sql.catalogue import catalogue_of
from text_to_sql.example_templates import Names
from text_to_sql.exceptions import ModelNeeded, StatementRefused
from text_to_sql.guard import QueryRefused, check
from text_to_sql.models import Column, Database, Example, QuestionSession
from text_to_sql.value_links import known_values, value_synonyms


def answer(database: Database, question: str, groups: Iterable[int] | None) -> tuple[QuestionSession, Example]:
    """A new session with the SQL of an equal example. Raises `ModelNeeded` or `StatementRefused`."""
    examples = list(database.examples.order_by("-id"))  # the newest correction counts
    names = names_of_values(database)
    for example in examples:
        sql = example_templates.fitted(example.question, example.sql, question, database.engine, names)
        if sql is not None:
            _require_allowed(sql, database, groups)
            return QuestionSession.objects.create(database=database, question=question, sql=sql), example
    near = get_close_matches(question, [example.question for example in examples], n=3, cutoff=0.2)
    hint = f" Verified questions are, for example: {'; '.join(near)}." if near else ""
    raise ModelNeeded(
        f"No verified example equals this question, and no model is connected. Write the SQL yourself.{hint}"
    )


def verify(session: QuestionSession, sql: str) -> tuple[Example, bool]:
    """Keeps a session's question with SQL that a person verified, and whether it is new. Raises `StatementRefused`."""
    _require_allowed(sql, session.database, None)
    return Example.objects.get_or_create(database=session.database, question=session.question, sql=sql)


def names_of_values(database: Database) -> Mapping[str, Names]:
    """The values of visible columns by the words that name them, by the column's name."""
    visible = Prefetch("columns", Column.objects.filter(hidden=False))
    tables = list(database.tables.filter(hidden=False).prefetch_related(visible))
    synonyms = value_synonyms(tables)
    found: dict[str, dict[str, list[str]]] = {}
    for column in (column for table in tables for column in table.columns.all()):
        for value in known_values(column):
            found.setdefault(column.name, {})[value] = [value, *synonyms.get(value.casefold(), ())]
    return {name: example_templates.normal_names(values) for name, values in found.items()}


def _require_allowed(sql: str, database: Database, groups: Iterable[int] | None) -> None:
    try:
        check(sql, catalogue_of(database, groups), 1)
    except QueryRefused as exc:
        raise StatementRefused(str(exc)) from None
