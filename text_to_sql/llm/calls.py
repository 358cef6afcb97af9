"""Asks the model, again where that may help, within the question's deadline."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from common.conf import settings
from text_to_sql.exceptions import LanguageModelError, LanguageModelRefused, LanguageModelUnusable
from text_to_sql.llm.attempt import Call, Parent, attempt
from text_to_sql.llm.client import Message, Reply

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds

_unknown: dict[tuple[str, str], frozenset[str]] = {}  # parameters that a server does not know, by URL and model


@dataclass(frozen=True, kw_only=True)
class Agent(Generic[T]):
    """Who asks: its prompt's version, how it reads an answer, and the JSON schema of answers, if they are JSON.

    `read` raises `ValueError` for an answer that it can't use.
    """

    name: str
    version: str
    read: Callable[[str], T]
    max_tokens: int
    schema: dict[str, Any] = field(default_factory=dict)


def is_configured() -> bool:
    """Whether there is a model to ask."""
    return bool(settings.LLM_BASE_URL)


def ask(
    parent: Parent, agent: Agent[T], messages: Sequence[Message], options: Mapping[str, object] | None = None
) -> tuple[T, Reply]:
    """The answer as the agent reads it, and as it came. `options` are more parameters of the protocol.

    Raises `LanguageModelError`, or `NotRecorded`.
    """
    call, tries, unknown = _call(parent, agent, messages, options or {}), 0, frozenset[str]()
    while True:
        try:
            found = attempt(call, agent.read)
        except LanguageModelRefused as exc:
            if not exc.parameters:
                raise
            unknown |= frozenset(exc.parameters)
            call = replace(call, options={name: each for name, each in call.options.items() if name not in unknown})
        except LanguageModelError as exc:
            tries += 1
            _pause(exc, tries, parent)
        else:
            _remember(unknown)
            return found


def _call(parent: Parent, agent: Agent[Any], messages: Sequence[Message], more: Mapping[str, object]) -> Call:
    options: dict[str, Any] = {"temperature": 0, "max_tokens": agent.max_tokens, **more}
    if agent.schema:
        named = {"name": agent.name, "strict": True, "schema": agent.schema}
        options["response_format"] = {"type": "json_schema", "json_schema": named}
    known = {name: value for name, value in options.items() if name not in _unknown.get(_server(), ())}
    return Call(parent=parent, agent=agent.name, prompt_version=agent.version, messages=messages, options=known)


def _pause(exc: LanguageModelError, tries: int, parent: Parent) -> None:
    """Waits before the next try; raises the error if there is none. An answer that can't be used is asked for twice."""
    most = min(settings.LLM_RETRIES, 1) if isinstance(exc, LanguageModelUnusable) else settings.LLM_RETRIES
    if not exc.may_retry or tries > most:
        raise exc
    seconds = exc.wait if exc.wait is not None and exc.wait >= 0 else _backoff(tries)
    if time.monotonic() + seconds >= parent.ends_at:
        raise exc
    if not isinstance(exc, LanguageModelUnusable):
        time.sleep(seconds)


def _backoff(tries: int) -> float:
    """Half a second, doubled with each try, less up to a quarter, so that callers do not come back together."""
    return float(min(_FIRST_PAUSE * 2 ** (tries - 1), _LONGEST_PAUSE)) * random.uniform(0.75, 1)  # noqa: S311 - no secret


def _remember(unknown: frozenset[str]) -> None:
    """A call succeeded without these parameters: later calls of this process leave them out."""
    if unknown:
        _unknown[_server()] = _unknown.get(_server(), frozenset()) | unknown


def forget_servers() -> None:
    """Forgets what servers do not know, for tests."""
    _unknown.clear()


def _server() -> tuple[str, str]:
    return settings.LLM_BASE_URL, settings.LLM_MODEL
