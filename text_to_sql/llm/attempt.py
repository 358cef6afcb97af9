"""One attempt to call the model, and its record."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from common import metrics
from common.conf import settings
from common.ids import uuid7
from common.logs import current_request_id
from common.metrics import ProviderCall
from recording import recorder
from text_to_sql.exceptions import LanguageModelError, LanguageModelTimeout, LanguageModelUnusable
from text_to_sql.llm import client, usage
from text_to_sql.llm.client import Message, Reply
from text_to_sql.models import Database
from text_to_sql.records import LLMRecord, storable

T = TypeVar("T")

PLACES = Decimal("1e-10")
_MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Parent:
    """What calls belong to: a question's session, who asks, and until when (`time.monotonic`) it must be answered."""

    database: Database
    session_id: str
    caller: str
    ends_at: float = field(default_factory=lambda: time.monotonic() + settings.LLM_SECONDS)

    def left(self) -> float:
        """Seconds left. Raises `LanguageModelTimeout`."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise LanguageModelTimeout("The question's deadline has passed: ask for less, or raise LLM_SECONDS.")
        return left


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is asked. `options` are optional parameters of the protocol."""

    parent: Parent
    agent: str
    prompt_version: str
    messages: Sequence[Message]
    options: Mapping[str, Any]


@dataclass
class _Outcome:
    reply: Reply = field(default_factory=Reply)
    outcome: str = "succeeded"
    error: str = ""


def attempt(call: Call, read: Callable[[str], T]) -> tuple[T, Reply]:
    """What `read` makes of the answer, and the answer. The record is durable when this returns or raises.

    `read` raises `ValueError` for an answer that it can't use. Raises `LanguageModelError`, or `NotRecorded`: then
    nothing may be answered.
    """
    prompt = orjson.dumps([dict(message) for message in call.messages]).decode()
    found, started = _Outcome(), time.perf_counter()
    with recorder.CapacityReservation(2 * len(prompt.encode())):
        try:
            found.reply = client.complete(call.messages, call.options, call.parent.left())
            usage.add(found.reply.tokens_in, found.reply.tokens_out)
            return _read(found.reply, read), found.reply
        except LanguageModelError as exc:
            found.outcome, found.error = exc.outcome, f"{exc.detail} {exc.words}".strip()
            raise
        finally:
            seconds, reply = time.perf_counter() - started, found.reply
            counted = ProviderCall(call.agent, found.outcome, seconds, reply.tokens_in, reply.tokens_out)
            metrics.count_provider_call(counted)
            recorder.record(_record(call, prompt, found, 1000 * seconds))


def _read(reply: Reply, read: Callable[[str], T]) -> T:
    try:
        if reply.problem:
            raise ValueError(reply.problem)
        return read(reply.text)
    except ValueError as exc:
        raise LanguageModelUnusable(f"The language model's answer can't be used: {exc}.") from None


def cost(tokens_in: int, tokens_out: int) -> Decimal:
    """What so many tokens cost, in the currency of the prices."""
    sum_of_both = tokens_in * settings.LLM_PRICE_IN + tokens_out * settings.LLM_PRICE_OUT
    return (Decimal(sum_of_both) / _MILLION).quantize(PLACES)


def _record(call: Call, prompt: str, found: _Outcome, milliseconds: float) -> LLMRecord:
    parent, reply = call.parent, found.reply
    return LLMRecord(
        id=uuid7(),
        recorded_at=datetime.now(UTC),
        database_id=parent.database.pk,
        database_name=parent.database.kor_name,
        session_id=parent.session_id,
        agent=call.agent,
        prompt_version=call.prompt_version,
        provider=client.provider()[:255],
        model=reply.model or settings.LLM_MODEL[:200],
        prompt=prompt,
        answer=storable(reply.text),
        outcome=found.outcome,
        error=storable(found.error),
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cost=f"{cost(reply.tokens_in, reply.tokens_out):f}",
        latency_ms=milliseconds,
        caller=parent.caller,
        request_id=current_request_id.get(),
    )
