"""What the ledger measures at a scrape: this host's journal, and the account of all records."""

import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from prometheus_client import Metric

from common import health
from common.metrics.families import gauge, gauges_by
from recording import backlog, publisher
from recording.ledger_counts import JournalEnds, Numbers
from recording.models import Disposition
from recording.publisher import heads

_ends = JournalEnds()
_numbers = Numbers()


def of_journal() -> tuple[bool, list[Metric]]:
    """Whether the journal takes records, and what it holds. Raises `OSError`."""
    takes_records = health.probe("journal").ok
    folder = publisher.journal_folder()
    found = backlog.glance(folder)
    disk = os.statvfs(folder)
    damaged = len(list(folder.glob("*.damaged")))
    return takes_records, [
        gauge("waiting_bytes", "Bytes of records that are not yet confirmed as rows.", found.waiting_bytes),
        gauge("oldest_waiting_seconds", "The age of the oldest of them; 0 for none.", found.oldest_seconds),
        gauge("log_late_seconds", "From which age on a record is late: LOG_LATE_SECONDS.", settings.LOG_LATE_SECONDS),
        gauge("journal_bytes", "What the journal's files take.", _size(folder)),
        gauge("journal_max_bytes", "What they may take: JOURNAL_MAX_BYTES.", settings.JOURNAL_MAX_BYTES),
        gauge("journal_disk_free_bytes", "What the disk under the journal has left.", disk.f_bavail * disk.f_frsize),
        gauge("publisher_up", "Whether a publisher is alive and working.", float(health.probe("publisher").ok)),
        gauge("journal_damaged_segments", "Segments that were set aside as damaged, for a person to look at.", damaged),
    ]


def of_ledger() -> list[Metric]:
    """The account of all records. Raises Django's database errors, or `OSError`."""
    folder = publisher.journal_folder()
    ends, kept = _ends.look(folder), heads.read(folder)  # first: what the journal lets go of meanwhile is settled
    account = _numbers.account(ends, kept)
    dispositions = {kind.value: account[kind.value] for kind in Disposition.Kind}
    return [
        gauges_by("dispositions", "Numbers that are no rows, by kind.", "kind", dispositions),
        gauges_by("log_numbers", "All numbers, by where they are; answered is the sum of the others.", "set", account),
    ]


def _size(folder: Path) -> int:
    size = 0
    for item in os.scandir(folder):
        with suppress(FileNotFoundError):
            size += item.stat().st_size
    return size
