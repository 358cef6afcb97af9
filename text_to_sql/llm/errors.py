"""Errors of the `openai` client as ours.

no connection, TLS, broken off              LanguageModelError       502, a retry may help
the deadline has passed                     LanguageModelTimeout     504
an answer that is not JSON                  LanguageModelUnusable    502, once more
401, 403, 404, other 3xx and 4xx            LanguageModelRefused     502
429 with the code insufficient_quota        LanguageModelQuota       503
408, 409, 429, 5xx                          LanguageModelBusy        503, a retry may help
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import openai

from text_to_sql.exceptions import (
    LanguageModelBusy,
    LanguageModelError,
    LanguageModelQuota,
    LanguageModelRefused,
    LanguageModelTimeout,
    LanguageModelUnusable,
)
from text_to_sql.llm import client

LOWER = (openai.OpenAIError, ValueError, TypeError)  # ValueError: an answer that is not JSON

_MAX_WORDS = 2000  # characters
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
_QUOTA = {"insufficient_quota", "billing_hard_limit_reached"}
# What servers call a parameter that they do not know, besides its name.
_OTHER_NAMES = {"response_format": ("json_schema", "grammar", "structured output", "guided")}


def mapped(exc: Exception, options: Mapping[str, Any]) -> LanguageModelError:
    """Our error for one of `LOWER`. `options` are the optional parameters of the request."""
    if isinstance(exc, openai.APITimeoutError):
        return LanguageModelTimeout("The language model did not answer in time: ask for less, or raise LLM_SECONDS.")
    if isinstance(exc, openai.APIConnectionError):
        cause = exc.__cause__ or exc
        return LanguageModelError("The language model can't be reached, or broke its answer off.", words=str(cause))
    if isinstance(exc, openai.APIStatusError):
        return _of_status(exc, options)
    return LanguageModelUnusable("The language model's answer is not JSON.", words=type(exc).__name__)


def _of_status(exc: openai.APIStatusError, options: Mapping[str, Any]) -> LanguageModelError:
    words = client.without_key(str(exc.message), 1)[:_MAX_WORDS]
    if _QUOTA & {exc.code, exc.type}:
        return LanguageModelQuota("The quota of LLM_API_KEY is used up: raise it at the provider.", words=words)
    unknown = _unknown_parameters(exc, words, options)
    if not unknown and (exc.status_code in _BUSY or exc.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR):
        text = f"The language model's server answers {exc.status_code}: try again later."
        return LanguageModelBusy(text, words=words, wait=_wait(exc))
    text = f"The language model's server answers {exc.status_code}: {_FIXES.get(exc.status_code, _FIX)}."
    return LanguageModelRefused(text, words=words, parameters=unknown)


def _unknown_parameters(exc: openai.APIStatusError, words: str, options: Mapping[str, Any]) -> Collection[str]:
    """The optional parameters that the server names as the error; all of them if it names nothing."""
    if exc.status_code not in {400, 422, 500, 501}:
        return ()
    said = f"{exc.param} {words}".lower()
    named = [name for name in options if any(each in said for each in (name, *_OTHER_NAMES.get(name, ())))]
    return named or (tuple(options) if exc.status_code in {400, 422} else ())


def _wait(exc: openai.APIStatusError) -> float | None:
    with suppress(ValueError):
        return float(exc.response.headers.get("Retry-After", ""))
    return None


_FIX = "the log of model calls has its words"
_FIXES = {
    401: "it does not accept LLM_API_KEY",
    403: "it does not accept LLM_API_KEY for this model",
    404: "set LLM_BASE_URL and LLM_MODEL to what it serves",
}
