"""One call through the official `openai` client. Its errors become ours; no text of the server reaches a caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from common.conf import settings
from text_to_sql.exceptions import LanguageModelUnusable

Message = Mapping[str, str]  # role and content

MAX_ANSWER_BYTES = 1024 * 1024
MAX_TOKENS_COUNTED = 10_000_000  # a server that says more is not believed
_SHORTEST_SECRET = 8  # characters; shorter keys are placeholders such as "none", and words of answers

_lock = Lock()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the model answered, the model as its server names it, and the tokens that the server counted.

    `problem` says why the text can't be used; blank if it can.
    """

    text: str = ""
    problem: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


def provider() -> str:
    """The host and port of the server."""
    return urlsplit(settings.LLM_BASE_URL).netloc


def complete(messages: Sequence[Message], options: Mapping[str, Any], seconds: float) -> Reply:
    """One call, which takes at most `seconds`. Raises `LanguageModelError`."""
    completions = _completions(settings.LLM_BASE_URL, settings.LLM_API_KEY)
    from text_to_sql.llm import errors  # noqa: PLC0415 - as below

    try:
        # By `extra_body`, since the client takes milliseconds to walk through other arguments.
        body = {"messages": [*messages], **options}
        answer = completions.create(model=settings.LLM_MODEL, messages=[], extra_body=body, timeout=seconds)
    except errors.LOWER as exc:
        raise errors.mapped(exc, options) from None
    return _reply(answer)


def _completions(url: str, key: str) -> Any:
    """With a lock: modules that two threads import at once may be seen half made."""
    with _lock:
        return _client(url, key)


@lru_cache(maxsize=2)
def _client(url: str, key: str) -> Any:
    import httpx2  # noqa: PLC0415 - 40 MB and half a second, only in processes that ask a model
    import openai  # noqa: PLC0415

    from common.outbound.openai_transport import NO_KEY, OutboundTransport  # noqa: PLC0415

    sender = httpx2.Client(transport=OutboundTransport(key, MAX_ANSWER_BYTES), trust_env=False, follow_redirects=False)
    client = openai.OpenAI(base_url=url, api_key=NO_KEY, max_retries=0, http_client=sender)
    return client.chat.completions


def _reply(answer: Any) -> Reply:
    """Reads defensively: the client does not check what it was sent. Raises `LanguageModelUnusable`."""
    try:
        choice, usage = answer.choices[0], getattr(answer, "usage", None)
        text, reason = choice.message.content, getattr(choice, "finish_reason", None)
    except (AttributeError, IndexError, TypeError):
        raise LanguageModelUnusable(
            "The language model's server does not speak OpenAI's protocol: LLM_BASE_URL must name one that does."
        ) from None
    text = text if isinstance(text, str) else ""
    return Reply(
        text=without_key(text),
        problem="it was cut off, because it is too long"
        if reason == "length"
        else ""
        if text.strip()
        else "it is empty",
        model=_name(getattr(answer, "model", None)),
        tokens_in=_count(getattr(usage, "prompt_tokens", 0)),
        tokens_out=_count(getattr(usage, "completion_tokens", 0)),
    )


def without_key(text: str, shortest: int = _SHORTEST_SECRET) -> str:
    """A text from the server, which knows the key, and in which it must not be."""
    key = settings.LLM_API_KEY
    return text.replace(key, "***") if key and len(key) >= shortest else text


def _name(value: Any) -> str:
    found = value if isinstance(value, str) and value.isprintable() else ""
    return without_key(found or settings.LLM_MODEL)[:200]


def _count(value: Any) -> int:
    return min(max(value, 0), MAX_TOKENS_COUNTED) if type(value) is int else 0
