"""Reconciliation: answered = written + waiting + quarantined + erased + repeated, as disjoint sets.

Every recorded answer has a number. The highest number of an origin is the maximum of three sources: its head in the
database, its head saved beside the journal, and the journal itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count

from common.number_set import NumberSet
from recording import origins, sources
from recording.backlog import age_of_oldest, journal_numbers, waiting_numbers
from recording.models import Disposition
from recording.publisher import heads

NONE = NumberSet()
RECOUNTS = 3  # if numbers seem to be missing


@dataclass(frozen=True)
class Account:
    """Counts of numbers by set; `missing` is 0 if the log is complete."""

    answered: int
    written: int
    waiting: int
    quarantined: int
    erased: int
    repeated: int
    oldest_waiting_seconds: float

    @property
    def missing(self) -> int:
        """Answered numbers that are in none of the sets."""
        return self.answered - self.written - self.waiting - self.quarantined - self.erased - self.repeated

    def lines(self) -> list[str]:
        """One line of text for each count."""
        counts = {field.name: getattr(self, field.name) for field in fields(self)} | {"missing": self.missing}
        return [f"{name.replace('_', ' '):<24}{value:>14,.10g}" for name, value in counts.items()]


def account(journal: Path) -> Account:
    """Counts everything, while records arrive. Raises `UnreadableSegment` or `DamagedHeads`.

    What comes and goes between two looks can seem missing, but not several times.
    """
    counted = _count(journal)
    for _ in range(RECOUNTS):
        if not counted.missing:
            break
        counted = _count(journal)
    return counted


def _count(journal: Path) -> Account:
    """Reads the journal before and after the tables: what leaves it is in the tables, and what comes waits."""
    (before, blank), saved_heads = journal_numbers(journal), heads.read(journal)
    with _snapshot():
        settled = {head.origin: head.settled for head in origins.every()}
        written = sum(source.rows.count() for source in sources.registered())
        kinds = dict(Disposition.objects.values_list("kind").annotate(Count("id")).order_by())
    after = waiting_numbers(journal)
    waiting = {
        origin: (before.get(origin, NONE) | after.get(origin, NONE)) - settled.get(origin, NONE)
        for origin in before.keys() | after.keys()
    }
    saved = {origin: head.settled for origin, head in saved_heads.items()}
    return Account(
        answered=sum(_highest(settled, saved, before, after, blank).values()),
        written=written,
        waiting=sum(map(len, waiting.values())),
        quarantined=kinds.get(Disposition.Kind.QUARANTINED, 0),
        erased=kinds.get(Disposition.Kind.ERASED, 0),
        repeated=kinds.get(Disposition.Kind.REPEATED, 0),
        oldest_waiting_seconds=age_of_oldest(journal, waiting),
    )


@contextmanager
def _snapshot() -> Iterator[None]:
    """All statements in the block see the database at the same moment."""
    with transaction.atomic():
        if connection.vendor == "postgresql" and len(connection.savepoint_ids) == 0:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _highest(*known: Mapping[UUID, NumberSet]) -> dict[UUID, int]:
    highest: dict[UUID, int] = {}
    for numbers_of in known:
        for origin, numbers in numbers_of.items():
            highest[origin] = max(highest.get(origin, 0), numbers.highest)
    return highest
