"""Delivers job-completion webhooks: at least once, with a limited number of retries.

    created (due_at null) ──job ends──▶ due ──2xx──▶ delivered
                                         └── no 2xx: due again later, nine attempts in all ──▶ given up

A worker claims a delivery before it sends it, by moving `due_at` beyond the sending deadline. So two workers never send
the same delivery at the same time, and a delivery whose worker died becomes due again. Receivers recognize a repeat by
the webhook's id.
"""

import logging
import random
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings

from common.exceptions import BadInput, FieldError
from common.outbound.destinations import NotAllowed
from common.outbound.network import INTERNET, Network
from jobs.due import due
from jobs.models import Job, WebhookDelivery
from jobs.representation import described
from jobs.webhooks.hosts import destination
from jobs.webhooks.sending import DeliveryFailed, send
from jobs.webhooks.signing import signed_fields

log = logging.getLogger(__name__)

POINTER = "/callback_url"
RETRY_SECONDS = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200)  # after the first attempt, the second, …
JITTER = 0.2  # fraction of the wait, so that deliveries that failed together do not retry together
MAX_WAIT_SECONDS = 86_400.0  # that a receiver's Retry-After may request; longer than RETRY_SECONDS with its jitter
CLAIM = timedelta(seconds=60)  # longer than CALLBACK_TOTAL_SECONDS
BATCH = 20
BATCH_SECONDS = 20.0


def check_url(url: str) -> None:
    """Raises `BadInput`, which says what to do, if `url` can't be used for a webhook."""
    try:
        destination(url)
    except NotAllowed as exc:
        raise BadInput("The webhook's URL can't be used.", field_errors=[FieldError(POINTER, str(exc))]) from exc


def create(job: Job, url: str) -> None:
    """Creates the job's delivery in the caller's transaction. The caller has checked `url` with `check_url`."""
    WebhookDelivery.objects.create(job=job, url=url)


def job_ended(job_id: UUID) -> None:
    """Makes the job's delivery due, in the caller's transaction; no effect if there is none or it is already due."""
    WebhookDelivery.objects.filter(job_id=job_id, due_at=None).update(due_at=_now())


def deliver_due(network: Network = INTERNET) -> int:
    """Sends up to `BATCH` due deliveries and starts none after `BATCH_SECONDS`. Returns how many were delivered."""
    ends_at = time.monotonic() + BATCH_SECONDS
    is_due = due("due_at", 2 * timedelta(seconds=MAX_WAIT_SECONDS))
    waiting = WebhookDelivery.objects.filter(is_due, state=WebhookDelivery.State.WAITING).order_by("due_at")
    delivered = 0
    for delivery_id, attempts in list(waiting.values_list("id", "attempts")[:BATCH]):
        if time.monotonic() >= ends_at:
            break
        delivery = _claim(delivery_id, attempts)
        delivered += delivery is not None and _deliver(delivery, network)
    return delivered


def _claim(delivery_id: UUID, attempts: int) -> WebhookDelivery | None:
    """Claims the attempt after `attempts` earlier ones. Returns None if another worker has claimed it."""
    waiting = WebhookDelivery.objects.filter(pk=delivery_id, state=WebhookDelivery.State.WAITING)
    if not waiting.filter(attempts=attempts).update(attempts=attempts + 1, due_at=_now() + CLAIM):
        return None
    return waiting.filter(attempts=attempts + 1).select_related("job").first()


def _deliver(delivery: WebhookDelivery, network: Network) -> bool:
    body = _body(delivery.job)
    fields = signed_fields(str(delivery.id), int(time.time()), body, settings.CALLBACK_SECRETS)
    try:
        send(delivery.url, {**fields, "Content-Type": "application/json"}, body, network)
    except DeliveryFailed as exc:
        _store_failure(delivery, exc)
        return False
    _store_success(delivery)
    return True


def _body(job: Job) -> bytes:
    """Returns the body. It is the same on every attempt, except for links, which are made anew."""
    event = {"type": f"job.{job.state}", "timestamp": job.finished_at, "data": described(job)}
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def _store_success(delivery: WebhookDelivery) -> None:
    """Stores that the receiver has it, even if the claim expired meanwhile: then no further attempt starts."""
    WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=WebhookDelivery.State.DELIVERED).update(
        state=WebhookDelivery.State.DELIVERED, delivered_at=_now(), error=""
    )
    log.info("webhook %s was delivered to %s", delivery.id, _host(delivery))


def _store_failure(delivery: WebhookDelivery, exc: DeliveryFailed) -> None:
    """Stores a failed attempt, unless the claim expired and another worker made a newer attempt."""
    claimed = WebhookDelivery.objects.filter(
        pk=delivery.pk, state=WebhookDelivery.State.WAITING, attempts=delivery.attempts
    )
    error, host = str(exc)[:200], _host(delivery)
    if exc.is_final or delivery.attempts > len(RETRY_SECONDS):
        claimed.update(state=WebhookDelivery.State.GIVEN_UP, error=error)
        log.error("webhook %s to %s is given up after %d attempts: %s", delivery.id, host, delivery.attempts, error)
        return
    wait = _wait(delivery.attempts, exc.retry_after)
    claimed.update(due_at=_now() + timedelta(seconds=wait), error=error)
    log.warning("webhook %s to %s failed; the next attempt is in %.0f s: %s", delivery.id, host, wait, error)


def _wait(attempts: int, retry_after: float) -> float:
    """Seconds until the next attempt: at least `retry_after`, up to `MAX_WAIT_SECONDS`."""
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not used for security
    return max(RETRY_SECONDS[attempts - 1] * jitter, min(retry_after, MAX_WAIT_SECONDS))


def _host(delivery: WebhookDelivery) -> str:
    """The only part of the URL that may be logged: path and query may contain a token."""
    return urlsplit(delivery.url).hostname or ""


def _now() -> datetime:
    return datetime.now(UTC)
