"""The ledger's gauges: this host's journal, and the reconciliation of all records."""

import os

from django.conf import settings
from prometheus_client import Metric

from common import health
from common.metrics.families import gauge, gauges_by
from recording import backlog, publisher
from recording.incremental_reconciliation import IncrementalReconciliation, JournalEnds
from recording.journal.spool import used_bytes
from recording.models import Disposition

_journal_ends = JournalEnds()
_reconciliation = IncrementalReconciliation()


def of_journal() -> tuple[bool, list[Metric]]:
    """Whether the journal accepts records, and its gauges. Raises `OSError`."""
    takes_records = health.probe("journal").ok
    folder = publisher.journal_folder()
    estimate = backlog.estimate(folder)
    disk = os.statvfs(folder)
    damaged = len(list(folder.glob("*.damaged")))
    return takes_records, [
        gauge("waiting_bytes", "Bytes of records that are not yet confirmed as rows.", estimate.waiting_bytes),
        gauge("oldest_waiting_seconds", "The oldest unconfirmed record's age; 0 if none.", estimate.oldest_seconds),
        gauge("log_late_seconds", "The age from which a record is late: LOG_LATE_SECONDS.", settings.LOG_LATE_SECONDS),
        gauge("journal_bytes", "The size of the journal's files.", used_bytes(folder)),
        gauge("journal_max_bytes", "The journal's largest size: JOURNAL_MAX_BYTES.", settings.JOURNAL_MAX_BYTES),
        gauge("journal_disk_free_bytes", "The free space of the journal's disk.", disk.f_bavail * disk.f_frsize),
        gauge("publisher_up", "Whether a publisher is alive and working.", float(health.probe("publisher").ok)),
        gauge(
            "journal_damaged_segments", "Segments that were set aside as damaged, for an operator to examine.", damaged
        ),
    ]


def of_ledger() -> list[Metric]:
    """Counts of all numbers by state. Raises Django's database errors, or `OSError`."""
    folder = publisher.journal_folder()
    ends = _journal_ends.read(folder)  # first: numbers that it drops meanwhile are settled
    account = _reconciliation.account(folder, ends)
    dispositions = {kind.value: account[kind.value] for kind in Disposition.Kind}
    return [
        gauges_by("dispositions", "Numbers that have no row, by kind.", "kind", dispositions),
        gauges_by("log_numbers", "All numbers, by set; answered is the sum of the others.", "set", account),
    ]
