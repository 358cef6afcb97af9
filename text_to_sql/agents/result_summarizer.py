"""Says in a sentence or two what a result shows."""

from typing import Any

from text_to_sql.agents.prompts import prompt
from text_to_sql.agents.reading import json_object, line
from text_to_sql.llm import calls
from text_to_sql.llm.attempt import Parent
from text_to_sql.llm.client import Message

NAME, VERSION = "result_summarizer", "1"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
_MAX_SUMMARY = 1000  # characters


def write(parent: Parent, question: str, result: str) -> str:
    """A summary. Raises `LanguageModelError`."""
    summary, _ = calls.ask(parent, AGENT, _messages(question, result))
    return summary


def correct(parent: Parent, question: str, result: str, summary: str, numbers: str) -> str:
    """Another summary, after one with numbers that are not in the result. Raises `LanguageModelError`."""
    said = f"The result does not have these numbers: {numbers}. Answer again, without them."
    turns = [{"role": "assistant", "content": summary}, {"role": "user", "content": said}]
    corrected, _ = calls.ask(parent, AGENT, [*_messages(question, result), *turns])
    return corrected


def read(text: str) -> str:
    """The summary in an answer. Raises `ValueError`."""
    summary = json_object(text).get("summary")
    if not isinstance(summary, str) or not summary.strip():
        raise ValueError("it has no summary")
    return line(summary, _MAX_SUMMARY)


AGENT = calls.Agent(name=NAME, version=VERSION, read=read, max_tokens=500, schema=SCHEMA)


def _messages(question: str, result: str) -> list[Message]:
    return [
        {"role": "system", "content": prompt(NAME, VERSION).template},
        {"role": "user", "content": f"Question: {question}\n\nResult:\n{result}"},
    ]
