"""A call of a provider that is part of a job: its answer is kept as soon as its bytes have arrived.

A worker that is killed later does not call the provider again: the next attempt finds the answer. Between the arrival
of the last byte and the end of one write to the storage an answer can be lost, and is then asked for once more.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Any

import orjson

from attachments.exceptions import StorageUnavailable
from common.exceptions import GatewayError
from imaging.exceptions import ProviderQuota, ProviderRefused
from imaging.generation import costs, files
from imaging.models import CostReservation
from imaging.services.interface import Exchange, Kind, Usage
from jobs.heartbeat import Heartbeat
from jobs.models import Job

log = logging.getLogger(__name__)

KEEP_SECONDS = 60.0  # to try to store an answer while the storage is down
KEEP_PAUSE_SECONDS = 0.5


class PaidExchange(Exchange):
    """The exchange of one stage of a job with a provider."""

    def __init__(self, job: Job, stage: str, kind: Kind[Any, Any], heartbeat: Heartbeat) -> None:
        super().__init__()
        self._job, self._stage, self._kind = job, stage, kind
        self._answer: bytes | None = None
        self._began_at = 0.0
        self._reservation: CostReservation | None = None
        self._find_answer()
        heartbeat.on_stop(self.switch.cut)

    def begin(self) -> None:
        """Reserves the cost, unless the answer is there. Raises `GatewayError`."""
        if self._answer is None:
            self._reservation = _take_unused(self._job, self._stage) or costs.reserve(
                self._job, self._stage, self._kind, is_started=True
            )
            if self._reservation is not None:
                self.call_id = self._reservation.pk
        self._began_at = time.perf_counter()

    def kept(self) -> bytes | None:
        """The provider's answer, if it has arrived before."""
        return self._answer

    def keep(self, answer: bytes) -> None:
        """Stores the answer before anything else happens. If the storage stays down, only this process has it."""
        self._answer = answer
        self.seconds = time.perf_counter() - self._began_at
        head = orjson.dumps({"seconds": self.seconds})
        ends_at = time.monotonic() + KEEP_SECONDS
        while True:
            try:
                return files.keep_answer(self._job.pk, self.call_id, head + b"\n" + answer)
            except StorageUnavailable as exc:
                if time.monotonic() > ends_at:
                    log.error("an answer that may have been paid for is not stored: %s", exc.detail)
                    return None
                time.sleep(KEEP_PAUSE_SECONDS)

    def settle(self, usage: Usage, error: GatewayError | None) -> None:
        """Notes the real cost. That of a failed call stays as it was reserved, unless the provider refused it."""
        if self._reservation is not None:
            is_free = isinstance(error, ProviderQuota | ProviderRefused) and self._answer is None
            costs.settle(self._reservation, 0 if is_free else usage.cost_microdollars or None)

    def _find_answer(self) -> None:
        """Looks for the answer of a call that an earlier attempt made."""
        started = CostReservation.objects.filter(job=self._job, stage=self._stage, started_at__isnull=False)
        for reservation in started.order_by("-started_at", "-id"):
            found = files.find_answer(self._job.pk, reservation.pk)
            if found is not None:
                head, _, self._answer = found.partition(b"\n")
                self.seconds, self.call_id = orjson.loads(head)["seconds"], reservation.pk
                self._reservation = reservation
                return


def _take_unused(job: Job, stage: str) -> CostReservation | None:
    """The reservation that was made when the job was accepted, if no call has used it."""
    unused = CostReservation.objects.filter(job=job, stage=stage, started_at=None).order_by("id").first()
    if unused is None:
        return None
    taken = CostReservation.objects.filter(pk=unused.pk, started_at=None).update(started_at=datetime.now(UTC))
    return unused if taken else None
