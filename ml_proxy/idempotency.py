"""The same caller, key and body get the first answer again, with no second model call and no second row.

    claimed ──model answers──▶ answered (with the record) ──journal has it──▶ answered
       └── model or gateway fails: the claim is given back, so that a repeat may try again

The answer is kept before the record goes to the journal. So a process that dies in between leaves a repeat everything
it needs: it records what is not yet recorded, under the same id, and then answers. A claim whose process died is taken
over once no live one could still hold it.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import QuerySet

from common.exceptions import Conflict, DatabaseUnavailable, GatewayError, KeyReused
from common.idempotency_keys import KEPT, check_key
from common.ids import uuid7
from ml_proxy.models import IdempotencyKey
from ml_proxy.prediction_request import Subject, read_subject
from ml_proxy.predictions import Call, Outcome, ask, room
from ml_proxy.records import InferenceRecord
from ml_proxy.upstream import Answer
from recording import recorder
from recording.records import contents_of

SLACK = timedelta(seconds=30)  # beyond the model's deadline, for a live process to store its answer


def predict_once(call: Call, key: str) -> Outcome:
    """As `predictions.predict`, once for each caller, key and body.

    Raises also `KeyReused`, `Conflict` while the first call runs, and `DatabaseUnavailable`.
    """
    check_key(key)
    subject = read_subject(call.fields.get("Content-Type", ""), call.body)
    with _database_needed():
        claim, is_new = _claim(call, subject, key)
    if not is_new:
        return _again(claim)
    with ExitStack() as held:
        try:
            held.enter_context(room(call, subject))
            outcome = ask(call, subject, claim.inference_id)
        except GatewayError:
            with _database_needed():
                _give_back(claim)
            raise
        with _database_needed():
            _keep(claim, outcome)
        _record(claim, outcome)
    return outcome


def delete_old_keys() -> int:
    """Deletes the keys that are past their day. Gives how many."""
    return IdempotencyKey.objects.filter(claimed_at__lt=_now() - KEPT).delete()[0]


def _claim(call: Call, subject: Subject, key: str) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether this call is the one to ask the model."""
    digest = hashlib.sha256(subject.input).hexdigest()
    IdempotencyKey.objects.filter(caller=call.caller, key=key, claimed_at__lt=_now() - KEPT).delete()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                caller=call.caller, key=key, body_digest=digest, inference_id=uuid7(), claimed_at=_now()
            ), True
    except IntegrityError:
        found = IdempotencyKey.objects.filter(caller=call.caller, key=key).first()
    if found is None:  # given back in this very moment
        raise _running()
    if found.body_digest != digest:
        raise KeyReused("This Idempotency-Key came before with another body. Use a new key for a new request.")
    return found, found.status is None and _taken_over(found)


def _taken_over(found: IdempotencyKey) -> bool:
    """Takes the claim of a process that must be dead; another repeat may get there first."""
    lease = timedelta(seconds=settings.UPSTREAM_TOTAL_SECONDS) + SLACK
    if found.claimed_at > _now() - lease:
        return False
    before, found.claimed_at = found.claimed_at, _now()
    same = IdempotencyKey.objects.filter(pk=found.pk, claimed_at=before, status=None)
    return same.update(claimed_at=found.claimed_at) == 1


def _again(found: IdempotencyKey) -> Outcome:
    if found.status is None:
        raise _running()
    answer = Answer(
        status=found.status,
        reason=found.reason,
        fields=[(name, value) for name, value in json.loads(found.fields)],
        body=bytes(found.body or b""),
        latency_ms=0.0,
    )
    if not answer.is_success:
        return Outcome(answer, None)
    kept = bytes(found.record or b"")
    record = InferenceRecord.decode(kept)
    outcome = Outcome(answer, record, tuple(contents_of(kept)) if record.files else ())
    if not found.recorded:
        _record(found, outcome)
    return outcome


def _keep(claim: IdempotencyKey, outcome: Outcome) -> None:
    """Keeps the answer with the key, or gives the key back where the model failed and may do better."""
    answer = outcome.answer
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        _give_back(claim)
        return
    kept = _mine(claim).update(
        status=answer.status,
        reason=answer.reason[:200],
        fields=json.dumps(answer.fields),
        body=answer.body,
        record=outcome.record.encode(contents=outcome.contents) if outcome.record else None,
    )
    if not kept:  # the claim was taken over: whoever took it answers
        raise _running()


def _record(claim: IdempotencyKey, outcome: Outcome) -> None:
    if outcome.record is None:
        return
    recorder.record(outcome.record, outcome.contents)
    with suppress(DatabaseError, InterfaceError):  # then a repeat records once more, which its id makes harmless
        IdempotencyKey.objects.filter(pk=claim.pk).update(recorded=True)


def _give_back(claim: IdempotencyKey) -> None:
    _mine(claim).delete()


def _mine(claim: IdempotencyKey) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(pk=claim.pk, claimed_at=claim.claimed_at, status=None)


def _running() -> Conflict:
    return Conflict("The first call with this Idempotency-Key is still running.", headers={"Retry-After": "1"})


@contextmanager
def _database_needed() -> Iterator[None]:
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        raise DatabaseUnavailable("A request with an Idempotency-Key needs the database. Try again soon.") from exc


def _now() -> datetime:
    return datetime.now(UTC)
