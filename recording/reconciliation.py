"""Reconciliation: answered = written + waiting + quarantined + erased + repeated, as disjoint sets.

Every recorded answer has a number. The highest number of an origin is the maximum of three sources: its head in the
database, its head saved beside the journal, and the journal itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from uuid import UUID

from django.db.models import Count

from common.number_set import NumberSet
from recording import sources
from recording.backlog import unsettled, waiting_numbers
from recording.models import Disposition, Origin
from recording.origins import Head
from recording.publisher import heads


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
    """Counts everything. It reads the journal first: numbers that the publisher removes meanwhile are in the database.

    Raises `UnreadableSegment` or `DamagedHeads`.
    """
    in_journal = waiting_numbers(journal)
    waiting, oldest = unsettled(journal)
    kinds = dict(Disposition.objects.values_list("kind").annotate(Count("id")).order_by())
    return Account(
        answered=sum(_highest(in_journal, heads.read(journal)).values()),
        written=sum(source.rows.count() for source in sources.registered()),
        waiting=waiting,
        quarantined=kinds.get(Disposition.Kind.QUARANTINED, 0),
        erased=kinds.get(Disposition.Kind.ERASED, 0),
        repeated=kinds.get(Disposition.Kind.REPEATED, 0),
        oldest_waiting_seconds=oldest,
    )


def _highest(in_journal: Mapping[UUID, NumberSet], saved_heads: heads.SavedHeads) -> dict[UUID, int]:
    settled = [(row.id, Head.of(row).settled) for row in Origin.objects.all()]
    saved = [(origin, head.settled) for origin, head in saved_heads.items()]
    highest: dict[UUID, int] = {}
    for origin, numbers in [*settled, *saved, *in_journal.items()]:
        highest[origin] = max(highest.get(origin, 0), numbers.highest)
    return highest
