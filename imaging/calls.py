"""Calls a service, and records the call: durable before anybody gets to see what it made."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from attachments import descriptors
from attachments.descriptors import Part
from common import metrics
from common.exceptions import GatewayError
from common.logs import current_request_id
from common.metrics import ProviderCall
from imaging.exceptions import ProviderQuota, ProviderRefused, ProviderTimeout
from imaging.pictures import CONTENT_TYPE, Picture
from imaging.records import ProviderCallRecord
from imaging.services.interface import Kind, Usage
from recording import recorder

SUCCEEDED, FAILED = "succeeded", "failed"  # outcomes; `OUTCOMES` has all of them
MADE_BYTES = 4 * 1024 * 1024  # reserved in the journal for a picture that is made

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Origin:
    """Who asks: a caller, and the job that the call is part of, if any."""

    caller: str
    job: str = ""


def perform(
    kind: Kind[Given, Made],
    given: Given,
    origin: Origin,
    pictures: Mapping[str, Picture] | None = None,
    *,
    usage: Usage | None = None,
) -> Made:
    """What the chosen service makes of `given`. The record is durable when this returns or raises.

    `pictures` become attachments of the record, by name, and so does a picture that is made. `usage` takes what the
    service says of the call. Raises `GatewayError`; `NotRecorded` means that nothing may be answered.
    """
    service, usage, outcome = kind.chosen(), usage or Usage(), _Outcome()
    parts = [_part(name, each) for name, each in (pictures or {}).items()]
    made_bytes = MADE_BYTES if kind.makes_picture else 0
    started = time.perf_counter()
    with recorder.CapacityReservation(2 * sum(len(part.data) for part in parts) + made_bytes):
        try:
            usage.exchange.begin()
            made = service.run(given, usage)
            if isinstance(made, Picture):
                parts.append(_part("made", made))
        except GatewayError as exc:
            outcome = _Outcome(_OUTCOMES.get(type(exc), FAILED), exc.detail)
            raise
        except BaseException as exc:
            outcome = _Outcome(FAILED, type(exc).__name__)
            raise
        else:
            return made
        finally:
            seconds = usage.exchange.seconds or time.perf_counter() - started
            counted = ProviderCall(kind.name, outcome.name, seconds, usage.input_tokens, usage.output_tokens)
            metrics.count_provider_call(counted)
            record = _record(kind.name, service.provider, usage, outcome, origin, 1000 * seconds, parts)
            recorder.record(record, [part.data for part in parts])


def _part(name: str, picture: Picture) -> Part:
    return Part(f"/{name}", f"{name}.jpg", CONTENT_TYPE, picture.data)


@dataclass(frozen=True)
class _Outcome:
    name: str = SUCCEEDED
    error: str = ""


def _record(  # noqa: PLR0917 - all of them are members of the record
    service: str,
    provider: str,
    usage: Usage,
    outcome: _Outcome,
    origin: Origin,
    milliseconds: float,
    parts: Sequence[Part],
) -> ProviderCallRecord:
    row_id = usage.exchange.call_id
    return ProviderCallRecord(
        id=row_id,
        recorded_at=datetime.now(UTC),
        service=service,
        provider=provider,
        latency_ms=milliseconds,
        outcome=outcome.name,
        error=outcome.error,
        job=origin.job,
        caller=origin.caller,
        request_id=current_request_id.get(),
        files=descriptors.describe(row_id, parts) if parts else "",
        **usage.recorded(),
    )


_OUTCOMES: Mapping[type[GatewayError], str] = {
    ProviderRefused: "refused",
    ProviderQuota: "quota",
    ProviderTimeout: "timed-out",
}
OUTCOMES = (SUCCEEDED, *_OUTCOMES.values(), FAILED)
