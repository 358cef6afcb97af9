"""Questions without a model: a question that equals a verified example gets that example's SQL."""

from collections.abc import Mapping
from difflib import get_close_matches

from text_to_sql import example_templates
from text_to_sql.asked import Asked
from text_to_sql.catalogue import catalogue_of
from text_to_sql.example_templates import Names
from text_to_sql.exceptions import ModelNeeded, StatementRefused
from text_to_sql.guard import Catalogue, QueryRefused, check
from text_to_sql.known_tables import KnownTables, columns_of, kept
from text_to_sql.models import Example, QuestionSession
from text_to_sql.value_links import known_values


def answer(asked: Asked) -> tuple[QuestionSession, Example] | None:
    """A new session with the SQL of an equal example, if there is one. Raises `StatementRefused`."""
    database, question = asked.database, asked.question
    names = names_of_values(asked.known)
    for example in asked.known.examples:
        sql = example_templates.fitted(example.question, example.sql, question, database.engine, names)
        if sql is not None:
            require_allowed(sql, asked.catalogue)
            session = QuestionSession.objects.create(database=database, caller=asked.caller, question=question, sql=sql)
            return session, example
    return None


def model_needed(asked: Asked, how: str) -> ModelNeeded:
    """The error for a question that no example equals, with the examples that are most like it."""
    near = get_close_matches(asked.question, [example.question for example in asked.known.examples], n=3, cutoff=0.2)
    hint = f" Verified questions are, for example: {'; '.join(near)}." if near else ""
    return ModelNeeded(
        f"No verified example equals this question, and no model is connected. Write the SQL yourself.{hint} {how}"
    )


def verify(session: QuestionSession, sql: str) -> tuple[Example, bool]:
    """Keeps a session's question with SQL that a person verified, and whether it is new. Raises `StatementRefused`."""
    require_allowed(sql, catalogue_of(session.database, None))
    return Example.objects.get_or_create(database=session.database, question=session.question, sql=sql)


@kept
def names_of_values(known: KnownTables) -> Mapping[str, Names]:
    """The values of visible columns by the words that name them, by the column's name."""
    found: dict[str, dict[str, list[str]]] = {}
    for column in columns_of(known):
        for value in known_values(column):
            found.setdefault(column.name, {})[value] = [value, *known.synonyms.get(value.casefold(), ())]
    return {name: example_templates.normal_names(values) for name, values in found.items()}


def require_allowed(sql: str, catalogue: Catalogue) -> None:
    """Raises `StatementRefused` unless the guard lets the SQL pass."""
    try:
        check(sql, catalogue, 1)
    except QueryRefused as exc:
        raise StatementRefused(str(exc)) from None
