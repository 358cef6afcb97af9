"""`manage.py erase`: permanently erases records, and leaves tombstones that verify."""

import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from common.broker import BrokerUnavailable
from common.exceptions import Unavailable
from recording import backlog, erasure, remnants, sources
from recording.command_errors import unreadable_files_as_command_errors
from recording.publisher import journal_folder
from recording.source_options import add_options, read_options
from recording.sources import RecordSource

WAIT_SECONDS = 30.0


class Command(BaseCommand):
    """Counts the matching rows; erases them with `--yes`."""

    help = (
        "Permanently erases the records of a source (the first one unless --source names another) that match ALL of "
        "the given conditions, with their feedback and files, also in quarantine, in this host's journal and in Redis' "
        "file; tombstones keep the log verifiable. Without --yes it only counts the rows. It first waits until the "
        "records in this host's journal are rows. The publishers of other hosts clean their journals themselves."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The source, the conditions, the reason and the confirmation."""
        add_options(parser)
        parser.add_argument("--before", help="only events before this time, ISO 8601 with an offset")
        parser.add_argument("--reason", required=True, help="kept with each tombstone; do not name a patient")
        parser.add_argument("--yes", action="store_true", help="really erase")
        parser.add_argument("--wait", type=float, default=WAIT_SECONDS, help="seconds for each wait (%(default)g)")

    def handle(self, *args: Any, **options: Any) -> str:
        """Returns what was done, or would be done. Raises `CommandError` if something of it may be left somewhere."""
        before = parse_datetime(options["before"]) if options["before"] else None
        if options["before"] and (before is None or before.tzinfo is None):
            raise CommandError("--before must be a time such as 2026-01-31T09:00:00Z")
        source, values = read_options(options)
        if not (values or before):
            choices = " or ".join(f"--{name}" for name in [*source.filters, "before"])
            raise CommandError(f"Give {choices}: this command does not erase a whole log.")
        if not options["yes"]:
            total = erasure.matching(source, before=before, **values).count()
            return f"{total} rows match. Nothing was erased; --yes erases them permanently."
        with unreadable_files_as_command_errors():
            return self._erase(source, values, before, options)

    def _erase(
        self, source: RecordSource, values: dict[str, Any], before: datetime | None, options: dict[str, Any]
    ) -> str:
        begun, waiting = time.time(), self._wait(options["wait"])
        rows, reason = erasure.matching(source, before=before, **values), options["reason"]
        quarantined, changed = erasure.erase_quarantined(source, reason, before=before, **values)  # first: no row yet
        erasure.erase_unrecorded(source, before=before, **values)
        erased, total = 0, rows.count()
        with tqdm(total=total, unit="row", disable=None) as bar:
            try:
                for count in erasure.erase(source, rows, reason):
                    erased += count  # a bar that is not shown does not count
                    bar.update(count)
            except Unavailable as exc:
                raise CommandError(f"{exc.detail} {erased} of {total} rows were erased: run it again.") from exc
        done = f"{erased} rows were erased" + (f", and {quarantined} quarantined records" if quarantined else "")
        left = [*waiting, *_clean(options["wait"], begun)]
        if changed:
            left.append(f"{changed} quarantined records were changed by somebody, and are kept: see `verify_log`")
        if left:
            raise CommandError(f"{done}, but {'; '.join(left)}.", returncode=1)
        kept = [
            text for each in sources.registered() if each is not source and (text := each.kept_after_erasure(values))
        ]
        return " ".join([f"{done}; their tombstones verify.", *(f"{text}." for text in kept)])

    def _wait(self, seconds: float) -> list[str]:
        """Waits for records that are on their way. Returns what is wrong if some still are."""
        left = 0
        with tqdm(unit="record", desc="waiting for records in the journal", disable=None) as bar:
            for left in backlog.wait_until_settled(journal_folder(), seconds):
                bar.total = max(bar.total or 0, left)
                bar.update(bar.total - left - bar.n)
        advice = "start the publisher and the worker, and run this again"
        return [f"{left} records in the journal are not rows yet, and may match: {advice}"] if left else []


def _clean(seconds: float, begun: float) -> list[str]:
    """Removes what is left outside of the tables; `begun` is when erasing began. Returns what could not be removed."""
    left = []
    if any(journal_folder().glob("*.damaged")):
        left.append("damaged segments in the journal may have some: move them out of its folder, or delete them")
    if not remnants.Eraser(journal_folder()).step():
        left.append("some are still in the journal, beside records that are not rows yet: the publisher removes them")
    try:
        if not remnants.wait_for_older_messages(begun, seconds):
            left.append(
                "messages from before are still in Redis: start the worker, and run this again, after five minutes if "
                "a worker was killed"
            )
        is_rewritten, advice = remnants.rewrite_redis_file(seconds), "run BGREWRITEAOF there"
        left += [] if is_rewritten else [f"Redis has not rewritten its append-only file: {advice}"]
    except BrokerUnavailable as exc:
        left.append(f"its file may still have some: {exc}; run this again")
    if not remnants.empty_sqlite_log(seconds):
        left.append("SQLite's write-ahead log may still have some: run this again")
    return left
