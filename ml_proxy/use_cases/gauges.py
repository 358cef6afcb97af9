"""What is measured at a scrape: each part of the system as the Prometheus client's metric families.

What the database tells is the same on every host; what the journal tells is this host's own.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q, Sum
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from ml_proxy import courier, publisher
from ml_proxy.models import Callback, Job, Remnant, Unstored, Untracked
from ml_proxy.publisher import heads
from ml_proxy.use_cases import backlog, readiness
from ml_proxy.use_cases.numbers import JournalEnds, Numbers

STATEMENT_MILLISECONDS = 2000
QUEUES = (courier.LOGS_QUEUE, courier.JOBS_QUEUE, courier.UPKEEP_QUEUE)

_ends = JournalEnds()
_numbers = Numbers()


def of_model() -> tuple[bool, list[Metric]]:
    """Whether the model server answers."""
    return readiness.probe("model").ok, []


def of_journal() -> tuple[bool, list[Metric]]:
    """Whether the journal takes records, and what it holds. Raises `OSError`."""
    takes_records = readiness.probe("journal").ok
    folder = publisher.journal_folder()
    found = backlog.glance(folder)
    disk = os.statvfs(folder)
    damaged = len(list(folder.glob("*.damaged")))
    return takes_records, [
        _one("waiting_bytes", "Bytes of records that are not yet confirmed as rows.", found.waiting_bytes),
        _one("oldest_waiting_seconds", "The age of the oldest of them; 0 for none.", found.oldest_seconds),
        _one("log_late_seconds", "From which age on a record is late: LOG_LATE_SECONDS.", settings.LOG_LATE_SECONDS),
        _one("journal_bytes", "What the journal's files take.", _size(folder)),
        _one("journal_max_bytes", "What they may take: JOURNAL_MAX_BYTES.", settings.JOURNAL_MAX_BYTES),
        _one("journal_disk_free_bytes", "What the disk under the journal has left.", disk.f_bavail * disk.f_frsize),
        _one("journal_damaged_segments", "Segments that were set aside as damaged, for a person to look at.", damaged),
    ]


def of_redis() -> tuple[bool, list[Metric]]:
    """The queues' lengths. Raises `CourierDown`."""
    waiting = {queue: courier.waiting(queue) for queue in QUEUES}
    return True, [_by("queue_messages", "Messages that no worker has taken yet.", "queue", waiting)]


def of_database() -> tuple[bool, list[Metric]]:
    """Jobs, call-backs, remnants and the account of all records. Raises Django's database errors, or `OSError`."""
    folder = publisher.journal_folder()
    ends, kept = _ends.look(folder), heads.read(folder)  # first: what the journal lets go of meanwhile is settled
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", [STATEMENT_MILLISECONDS])
    account = _numbers.account(ends, kept)
    remnants = {kind.value: account[kind.value] for kind in Remnant.Kind}
    active = _seconds_since(
        Job.objects.filter(state__in=Job.ACTIVE).aggregate(
            queued=Min("created_at", filter=Q(state=Job.State.QUEUED)),
            running=Min("started_at", filter=Q(state=Job.State.RUNNING)),
        )
    )
    return True, [
        _by("jobs", "Jobs by state.", "state", _counted(Job)),
        _by("oldest_job_seconds", "For how long the oldest job has been in this state; 0 for none.", "state", active),
        _by("callbacks", "Call-backs by state.", "state", _counted(Callback)),
        _by("remnants", "Numbers that are no rows, by kind.", "kind", remnants),
        *_untracked(),
        *_unstored(),
        _by("log_numbers", "All numbers, by where they are; answered is the sum of the others.", "set", account),
    ]


def _untracked() -> list[Metric]:
    found = Untracked.objects.aggregate(
        waiting=Sum("count", filter=Q(is_aside=False)),
        aside=Sum("count", filter=Q(is_aside=True)),
        oldest=Min("created_at", filter=Q(is_aside=False)),
    )
    oldest = _seconds_since({"oldest": found.pop("oldest")})["oldest"]
    counts = {state: count or 0 for state, count in found.items()}
    return [
        _by(
            "mlflow_waiting", "Inferences and jobs that MLflow does not have; aside, it refused them.", "state", counts
        ),
        _one("mlflow_oldest_waiting_seconds", "The age of the oldest that waits for MLflow; 0 for none.", oldest),
    ]


def _unstored() -> list[Metric]:
    found = Unstored.objects.aggregate(count=Count("pk"), oldest=Min("created_at"))
    oldest = _seconds_since({"oldest": found["oldest"]})["oldest"]
    return [
        _one("files_waiting", "Files that the storage did not take yet.", found["count"]),
        _one("files_oldest_waiting_seconds", "The age of the oldest of them; 0 for none.", oldest),
    ]


def _counted(model: type[Job] | type[Callback]) -> dict[str, int]:
    found = dict(model.objects.values_list("state").annotate(Count("pk")).order_by())
    return {state.value: found.get(state, 0) for state in model.State}


def _seconds_since(moments: Mapping[str, datetime | None]) -> dict[str, float]:
    now = datetime.now(UTC)
    return {name: max((now - moment).total_seconds(), 0.0) if moment else 0.0 for name, moment in moments.items()}


def _size(folder: Path) -> int:
    size = 0
    for item in os.scandir(folder):
        with suppress(FileNotFoundError):
            size += item.stat().st_size
    return size


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ml_proxy_{name}", text, value)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"ml_proxy_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
