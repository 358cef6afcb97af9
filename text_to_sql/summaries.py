"""The summary of a result: the model's if each of its numbers is in the result, else a plain sentence."""

import logging
import re
from uuid import UUID

import orjson

from common.conf import settings
from recording.exceptions import NoRoom
from text_to_sql import summary_numbers
from text_to_sql.agents import result_summarizer
from text_to_sql.exceptions import LanguageModelError
from text_to_sql.execution.result import Result
from text_to_sql.execution.service import Request
from text_to_sql.llm import calls
from text_to_sql.llm.attempt import Parent
from text_to_sql.models import QuestionSession

log = logging.getLogger(__name__)

_SHOWN_ROWS, _SHOWN_BYTES = 50, 8_000
_KOREAN = re.compile(r"[가-힣]")


def summarize(request: Request, result: Result) -> str:
    """A sentence or two about the result of an execution, in the language of its question.

    Without a model, and if it can't be used, a plain sentence: the rows are there, so its trouble is no error here.
    Raises `NotRecorded`.
    """
    question = _question(request)
    if calls.is_configured() and settings.LLM_SHOW_VALUES and result.rows:
        try:
            if summary := _checked(request, question, result):
                return summary
        except (LanguageModelError, NoRoom) as exc:
            log.warning("a summary has no model: %s", type(exc).__name__)
    return plain_sentence(question, result)


def plain_sentence(question: str, result: Result) -> str:
    """The number of rows, and the value if there is one only."""
    count, more = len(result.rows), result.truncated
    value = _only_value(result)
    if _KOREAN.search(question):
        said = f"결과는 {count}행{' 이상' if more else ''}입니다."
        return f"{said} {result.names[0]}: {value}" if value else said
    said = f"The result has {'at least ' if more else ''}{count} {'row' if count == 1 else 'rows'}."
    return f"{said} {result.names[0]}: {value}" if value else said


def _question(request: Request) -> str:
    """The question of the session; the statement if the caller wrote it without a question."""
    try:
        found = QuestionSession.objects.filter(database=request.database, pk=UUID(request.session_id)).first()
    except ValueError:
        found = None
    return found.question if found else request.query


def _checked(request: Request, question: str, result: Result) -> str:
    """The model's summary; asked once more, then blank, if it has numbers that are not in the result."""
    parent = Parent(database=request.database, session_id=request.session_id, caller=request.caller)
    rows = _shown(result)
    data = _described(result, rows)
    known = summary_numbers.of_rows(rows) | (set() if result.truncated else {summary_numbers.Number(len(result.rows))})
    summary = result_summarizer.write(parent, question, data)
    if strange := summary_numbers.unknown(summary, known):
        summary = result_summarizer.correct(parent, question, data, summary, ", ".join(strange))
    return "" if summary_numbers.unknown(summary, known) else summary


def _shown(result: Result) -> list[str]:
    """The first rows, as JSON."""
    rows, size = [], 0
    for row in result.rows[:_SHOWN_ROWS]:
        size += len(row)
        if size > _SHOWN_BYTES:
            break
        rows.append(row.decode())
    return rows


def _described(result: Result, rows: list[str]) -> str:
    total = f"{'More than ' if result.truncated else ''}{len(result.rows)} rows"
    shown = "" if len(rows) == len(result.rows) else f", the first {len(rows)} of them"
    return "\n".join((f"{total}{shown}:", *rows))


def _only_value(result: Result) -> str:
    """The value of a result of one row and one column; blank for others."""
    if len(result.rows) != 1 or len(result.names) != 1:
        return ""
    text = result.rows[0][len(orjson.dumps(result.names[0])) + 2 : -1].decode()  # after {"name":
    return str(orjson.loads(text))[:200] if text.startswith('"') else text[:200]
