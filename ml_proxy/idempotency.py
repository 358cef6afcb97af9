"""Idempotency of predictions: a repeat with the same key gets the first answer, without a second model call or row.

    claimed ──model answers──▶ answered (with the record) ──journal has it──▶ recorded
       └── model or gateway fails: the claim is released, so that a repeat may try again

The answer is stored before the record is written to the journal. If the process crashes in between, a repeat records
the stored record under the same id and then answers. A claim whose process died is taken over once it is older than any
live process could hold it.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import Error, IntegrityError, transaction
from django.db.models import QuerySet

from common.database_errors import trouble
from common.exceptions import Conflict, DatabaseUnavailable
from common.idempotency_keys import KEPT, check_key, refuse_reuse, request_digest
from common.ids import uuid7
from common.request_body import FORM
from ml_proxy.models import IdempotencyKey
from ml_proxy.prediction_request import Subject, is_form
from ml_proxy.predictions import Call, Outcome, call_model, reserve_capacity, subject_of
from ml_proxy.records import InferenceRecord
from ml_proxy.upstream import Answer
from recording import recorder
from recording.records import without_contents

CLAIM_MARGIN = timedelta(seconds=30)  # time beyond the model's deadline for a live process to store its answer


def predict_once(call: Call, key: str) -> Outcome:
    """Does the same as `predictions.predict`, but once per caller and key.

    Also raises `KeyReused`, `Conflict` while the first call is running, and `DatabaseUnavailable`.
    """
    check_key(key)
    subject = subject_of(call)
    with _database_needed():
        claim, is_new = _claim(call, subject, key)
    if not is_new:
        return _replay(claim)
    with ExitStack() as stack:
        try:
            stack.enter_context(reserve_capacity(call, subject))
            outcome = call_model(call, subject, claim.inference_id)
            with _database_needed():
                _store_answer(claim, outcome)
        except BaseException:  # also for a bug: the caller may repeat the request at once
            with _database_needed():
                _release(claim)
            raise
        _record(claim, outcome)
    return outcome


def delete_old_keys() -> int:
    """Deletes expired keys. Returns how many."""
    return IdempotencyKey.objects.filter(claimed_at__lt=_now() - KEPT).delete()[0]


def _claim(call: Call, subject: Subject, key: str) -> tuple[IdempotencyKey, bool]:
    """Returns the key's row, and whether this call must call the model."""
    digest = _digest(call, subject)
    IdempotencyKey.objects.filter(caller=call.caller, key=key, claimed_at__lt=_now() - KEPT).delete()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                caller=call.caller, key=key, request_digest=digest, inference_id=uuid7(), claimed_at=_now()
            ), True
    except IntegrityError:
        existing = IdempotencyKey.objects.filter(caller=call.caller, key=key).first()
    if existing is None:  # it has just been released
        raise _still_running()
    refuse_reuse(existing.request_digest, digest)
    return existing, existing.status is None and _take_over(existing)


def _digest(call: Call, subject: Subject) -> str:
    """A form counts by its fields and files, since browsers choose a new boundary for each attempt.

    The prefix tells a form from the JSON body that has the same text.
    """
    body = FORM.encode() + subject.input if is_form(call.fields.get("Content-Type", "")) else call.body
    return request_digest("POST", call.path, call.query, body)


def _take_over(existing: IdempotencyKey) -> bool:
    """Takes over an expired claim. Returns False if it has not expired or another repeat took it over first."""
    lease = timedelta(seconds=settings.UPSTREAM_TOTAL_SECONDS) + CLAIM_MARGIN
    if existing.claimed_at > _now() - lease:
        return False
    before, existing.claimed_at = existing.claimed_at, _now()
    same = IdempotencyKey.objects.filter(pk=existing.pk, claimed_at=before, status=None)
    return same.update(claimed_at=existing.claimed_at) == 1


def _replay(existing: IdempotencyKey) -> Outcome:
    if existing.status is None:
        raise _still_running()
    answer = Answer(
        status=existing.status,
        reason=existing.reason,
        fields=[(name, value) for name, value in json.loads(existing.fields)],
        body=bytes(existing.body or b""),
        latency_ms=0.0,
    )
    if not answer.is_success:
        return Outcome(answer, None)
    encoded = bytes(existing.record or b"")
    record = InferenceRecord.decode(encoded)
    outcome = Outcome(answer, record, tuple(without_contents(encoded)[1]) if record.files else ())
    if not existing.recorded:
        _record(existing, outcome)
    return outcome


def _store_answer(claim: IdempotencyKey, outcome: Outcome) -> None:
    """Stores the answer with the key, or releases the key if the model failed and a retry may succeed."""
    answer = outcome.answer
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        _release(claim)
        return
    is_stored = _held(claim).update(
        status=answer.status,
        reason=answer.reason[:200],
        fields=json.dumps(answer.fields),
        body=answer.body,
        record=outcome.record.encode(contents=outcome.contents) if outcome.record else None,
    )
    if not is_stored:  # another call took the claim over, and will answer
        raise _still_running()


def _record(claim: IdempotencyKey, outcome: Outcome) -> None:
    if outcome.record is None:
        return
    recorder.record(outcome.record, outcome.contents)
    with suppress(Error):  # a repeat then records it again, which is harmless: the id is the same
        IdempotencyKey.objects.filter(pk=claim.pk).update(recorded=True)


def _release(claim: IdempotencyKey) -> None:
    _held(claim).delete()


def _held(claim: IdempotencyKey) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(pk=claim.pk, claimed_at=claim.claimed_at, status=None)


def _still_running() -> Conflict:
    return Conflict("The first call with this Idempotency-Key is still running.", headers={"Retry-After": "1"})


@contextmanager
def _database_needed() -> Iterator[None]:
    try:
        yield
    except Error as exc:
        if problem := trouble(exc):
            text = f"A request with an Idempotency-Key needs the database, which {problem}. Try again later."
            raise DatabaseUnavailable(text) from exc
        raise


def _now() -> datetime:
    return datetime.now(UTC)
