"""Writes the SQL for a question, from the tables that were chosen, with the nearest verified examples before it.

Answers are SQL, not JSON: a plan in JSON halves what small models get right.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from text_to_sql.agents import reading
from text_to_sql.agents.prompts import prompt
from text_to_sql.llm import calls
from text_to_sql.llm.attempt import Parent
from text_to_sql.llm.client import Message
from text_to_sql.models import Example
from text_to_sql.value_links import ValueLink

NAME, VERSION = "query_generator", "3"

_CANNOT = re.compile(r"^\W*cannot answer\s*:?\s*(.*)", re.IGNORECASE)
# Other statements than queries too: the guard says why they may not run, and the model can correct them.
_STATEMENT = re.compile(
    r"^[\s(]*(?:SELECT|WITH|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|SHOW|EXPLAIN)\b", re.IGNORECASE | re.MULTILINE
)
_MAX_MISSING = 300  # characters
_OTHERS_TEMPERATURE = 0.7

_DIALECTS = {"mysql": "MySQL", "postgres": "PostgreSQL", "sqlite": "SQLite"}
_NOTES = {
    "mysql": "Dates: CURDATE(), NOW() - INTERVAL 1 MONTH, DATE_FORMAT(d, '%Y-%m').",
    "postgres": "Dates: CURRENT_DATE, CURRENT_DATE - INTERVAL '1 month', TO_CHAR(d, 'YYYY-MM').",
    "sqlite": "Dates are texts such as '2026-01-31': date('now'), date('now', '-1 month'), strftime('%Y-%m', d).",
}
# The last rule as an example, since small models follow examples more than rules.
_REFUSED = ("What was the weather like?", "-- cannot answer: no table has the weather")


@dataclass(frozen=True, kw_only=True)
class Material:
    """What the model gets to know."""

    dialect: str
    schema: str
    joins: Sequence[str]
    examples: Sequence[Example]
    links: Sequence[ValueLink]
    question: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """SQL, or what is missing; which model wrote it, and how it answered."""

    sql: str = ""
    missing: str = ""
    model: str = ""
    answer: str = ""


def write(parent: Parent, material: Material, seed: int = 0) -> Draft:
    """The model's answer: its likeliest, or with a seed another one. Raises `LanguageModelError`."""
    options = {"temperature": _OTHERS_TEMPERATURE, "seed": seed} if seed else {}
    return _ask(parent, _messages(material), options)


def repair(parent: Parent, material: Material, draft: Draft, words: str) -> Draft:
    """The model's answer to the database's words about a draft. Raises `LanguageModelError`."""
    joins = f"Tables are joined by {' and '.join(material.joins)}.\n" if material.joins else ""
    said = f"The statement can't run. {words}\n{joins}Answer with the corrected SQL only."
    turns = [{"role": "assistant", "content": draft.sql}, {"role": "user", "content": said}]
    return _ask(parent, [*_messages(material), *turns])


def read(text: str) -> Draft:
    """An answer: SQL, in a fence or not, or a line `-- cannot answer: …`. Raises `ValueError`."""
    found = reading.plain(text)
    first = found.partition("\n")[0]
    if match := _CANNOT.match(first):
        return Draft(missing=reading.line(match[1], _MAX_MISSING) or "it does not say what")
    statement = _STATEMENT.search(found)
    if statement is None:
        raise ValueError("it has neither SQL nor what is missing")
    return Draft(sql=found[statement.start() :].strip().rstrip("; \n"))


AGENT = calls.Agent(name=NAME, version=VERSION, read=read, max_tokens=1500)


def _ask(parent: Parent, messages: Sequence[Message], options: Mapping[str, object] | None = None) -> Draft:
    draft, reply = calls.ask(parent, AGENT, messages, options)
    return Draft(sql=draft.sql, missing=draft.missing, model=reply.model, answer=reply.text)


def _messages(material: Material) -> list[Message]:
    """What changes least comes first: a server can then reuse what it computed for the last question."""
    system = prompt(NAME, VERSION).substitute(
        dialect=_DIALECTS[material.dialect],
        notes=_NOTES[material.dialect],
        today=timezone.now().date().isoformat(),  # not beside the question: small models then filter by it
        schema=material.schema,
    )
    shown = [_REFUSED, *((example.question, example.sql) for example in material.examples)]
    turns = [turn for question, sql in shown for turn in _turn(question, sql)]
    return [{"role": "system", "content": system}, *turns, {"role": "user", "content": _question(material)}]


def _turn(question: str, sql: str) -> tuple[Message, Message]:
    return {"role": "user", "content": f"Question: {question}"}, {"role": "assistant", "content": sql}


def _question(material: Material) -> str:
    values = [f"{each.table}.{each.column} = {reading.line(each.value, 100)!r}" for each in material.links]
    linked = f"Values that the question names: {'; '.join(values)}\n" if values else ""
    return f"{linked}Question: {material.question}"
