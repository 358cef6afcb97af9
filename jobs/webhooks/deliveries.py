"""Delivers job-completion webhooks: at least once, with retries that end.

    promised (due_at empty) ──job ends──▶ due ──2xx──▶ delivered
                                           └── no 2xx: due again later, nine times in all ──▶ given up

Whoever sends one claims it first, by moving `due_at` beyond the longest that sending may take. So two workers never
send the same at the same time, and what a dead worker had in hand is due again by itself; the receiver tells a repeat
by the webhook's id.
"""

import logging
import random
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import F

from common.exceptions import BadInput, FieldError
from common.outbound.network import INTERNET, Network
from jobs.models import Job, WebhookDelivery
from jobs.representation import described
from jobs.webhooks.hosts import NotAllowed, destination
from jobs.webhooks.sending import Undelivered, send
from jobs.webhooks.signing import signed_fields

log = logging.getLogger(__name__)

POINTER = "/callback_url"
RETRY_SECONDS = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200)  # after the first try, the second, …
JITTER = 0.2  # of the wait, more or less: what failed together shall not come back together
MOST_WAIT_SECONDS = 86_400.0  # that a receiver may ask for
CLAIM = timedelta(seconds=60)  # beyond CALLBACK_TOTAL_SECONDS
BATCH = 20
BATCH_SECONDS = 20.0


def check_url(url: str) -> None:
    """Raises `BadInput`, which says what to do, where `url` can't be called back."""
    try:
        destination(url)
    except NotAllowed as exc:
        raise BadInput("The call-back's URL can't be used.", field_errors=[FieldError(POINTER, str(exc))]) from exc


def promise(job: Job, url: str) -> None:
    """Notes, in the caller's transaction, that `url` is to hear how `job` ends; `check_url` has passed it."""
    WebhookDelivery.objects.create(job=job, url=url)


def job_ended(job_id: UUID) -> None:
    """Makes the job's call-back due, in the caller's transaction; nothing where there is none, or it was due before."""
    WebhookDelivery.objects.filter(job_id=job_id, due_at=None).update(due_at=_now())


def deliver_due(network: Network = INTERNET) -> int:
    """Tries what is due, `BATCH` at most, and starts none after `BATCH_SECONDS`. Gives how many were delivered."""
    ends_at = time.monotonic() + BATCH_SECONDS
    due = WebhookDelivery.objects.filter(state=WebhookDelivery.State.WAITING, due_at__lte=_now()).order_by("due_at")
    delivered = 0
    for callback_id in list(due.values_list("id", flat=True)[:BATCH]):
        if time.monotonic() >= ends_at:
            break
        delivered += _claim(callback_id) and _deliver(callback_id, network)
    return delivered


def _claim(callback_id: UUID) -> bool:
    """False where another worker got there first."""
    due = WebhookDelivery.objects.filter(pk=callback_id, state=WebhookDelivery.State.WAITING, due_at__lte=_now())
    return bool(due.update(due_at=_now() + CLAIM, attempts=F("attempts") + 1))


def _deliver(callback_id: UUID, network: Network) -> bool:
    callback = WebhookDelivery.objects.select_related("job").get(pk=callback_id)
    body = _body(callback.job)
    fields = signed_fields(str(callback.id), int(time.time()), body, settings.CALLBACK_SECRETS)
    try:
        send(callback.url, {**fields, "Content-Type": "application/json"}, body, network)
    except Undelivered as exc:
        _note_failure(callback, exc)
        return False
    _note_delivery(callback)
    return True


def _body(job: Job) -> bytes:
    """The same on every try."""
    event = {"type": f"job.{job.state}", "timestamp": job.finished_at, "data": described(job)}
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def _note_delivery(callback: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=callback.pk).update(
        state=WebhookDelivery.State.DELIVERED, delivered_at=_now(), error=""
    )
    log.info("call-back %s is delivered to %s", callback.id, _host(callback))


def _note_failure(callback: WebhookDelivery, exc: Undelivered) -> None:
    """Only by whoever tried last: where this try outlived its claim, another's word counts."""
    mine = WebhookDelivery.objects.filter(
        pk=callback.pk, state=WebhookDelivery.State.WAITING, attempts=callback.attempts
    )
    error, host = str(exc)[:200], _host(callback)
    if exc.is_final or callback.attempts > len(RETRY_SECONDS):
        mine.update(state=WebhookDelivery.State.GIVEN_UP, error=error)
        log.error("call-back %s to %s is given up after %d tries: %s", callback.id, host, callback.attempts, error)
        return
    wait = _wait(callback.attempts, exc.retry_after)
    mine.update(due_at=_now() + timedelta(seconds=wait), error=error)
    log.warning("call-back %s to %s failed and is tried again in %.0f s: %s", callback.id, host, wait, error)


def _wait(attempts: int, asked: float) -> float:
    """Seconds until the next try: never less than the receiver asks for, within bounds."""
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - it guards nothing
    return max(RETRY_SECONDS[attempts - 1] * spread, min(asked, MOST_WAIT_SECONDS))


def _host(callback: WebhookDelivery) -> str:
    """All of the URL that a log may show: path and query may hold a token."""
    return urlsplit(callback.url).hostname or ""


def _now() -> datetime:
    return datetime.now(UTC)
