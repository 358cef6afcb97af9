"""Verification: walks every origin's numbers in order and finds missing, changed and foreign rows.

It can't detect a database that was rolled back together with the heads saved beside the journal, or changes by somebody
who has the sealing key.
"""

from collections.abc import Container, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.keyset import walk
from common.number_set import NumberSet
from recording import folds, origin_walk, origins, sources
from recording.backlog import journal_numbers
from recording.findings import Finding, Step
from recording.ingestion import numbered_rows
from recording.models import Fold, Origin
from recording.origin_walk import InJournal
from recording.origins import Head
from recording.publisher import heads

if TYPE_CHECKING:
    from django.db.models import QuerySet


def estimated_total() -> int:
    """Roughly how many numbers a walk will check."""
    return sum(len(Head.of(row).settled) for row in Origin.objects.all()) + folds.totals().numbers


def verify(journal: Path, copies: heads.SavedHeads | None = None) -> Iterator[Step]:
    """Walks the whole log in bounded memory; `copies` are heads that were kept elsewhere.

    Raises `UnreadableSegment` or `DamagedHeads`.
    """
    waiting, blank = journal_numbers(journal)  # first: what leaves the journal meanwhile is settled
    saved_heads = heads.merged(heads.read(journal), copies or {})
    known: set[UUID] = set()
    for item in _heads(known):
        if isinstance(item, Finding):
            yield Step(0, (item,))
        else:
            parts = (numbers.get(item.origin, NumberSet()) for numbers in (waiting, blank))
            yield from origin_walk.verify(item, InJournal(journal, item.origin, *parts), saved_heads.get(item.origin))
    for origin, saved in saved_heads.items():
        if origin not in known:
            detail = "the whole origin, which this host or a kept copy knows"
            yield Step(0, (Finding("missing", origin, 1, saved.settled.highest, detail),))
    for origin in blank.keys() - known:
        detail = "blank in the journal, as if it had been erased, but its origin has no head"
        yield Step(0, tuple(Finding("missing", origin, *part, detail) for part in blank[origin].ranges))
    yield from _foreign_rows(known)
    yield from chain.from_iterable(source.verify_derived() for source in sources.registered())
    yield from _damaged_heads(journal)


def _damaged_heads(journal: Path) -> Iterator[Step]:
    for name in heads.DAMAGED_NAMES.values():
        if (journal / name).exists():
            detail = f"{name} beside the journal: completely deleted origins from before can't be named"
            yield Step(0, (Finding("unreadable", None, None, None, detail),))


def _heads(known: set[UUID]) -> Iterator[Head | Finding]:
    """All heads, open and folded, each once, and what is wrong with the folds. Adds their origins to `known`.

    At last it looks again for heads that were taken out of their fold meanwhile.
    """
    yield from _open_heads(known)
    for fold in folds.each():
        try:
            rows = folds.unpack(fold)
        except folds.BadFold as exc:
            yield Finding("changed", None, None, None, f"{exc}, so its origins have no heads")
            continue
        yield from (Finding("changed", None, None, None, f"{fold}: {fault}") for fault in _faults_of_fold(fold, rows))
        for row in rows:
            if row.id not in known:
                known.add(row.id)
                yield Head.of(row, fold.pk)
            elif all(_has_two_heads(row.id) for _ in range(2)):  # twice: between two looks a head may move once
                yield Finding("changed", row.id, 1, folds.highest(row), f"it has several heads, one of them in {fold}")
    yield from _open_heads(known)


def _open_heads(known: set[UUID]) -> Iterator[Head]:
    for row in walk(Origin.objects.all(), "id"):
        if row.id not in known:
            known.add(row.id)
            yield Head.of(row)


def _faults_of_fold(fold: Fold, rows: Sequence[Origin]) -> Iterator[str]:
    """What does not follow from its members: nothing else is sealed."""
    if fold.numbers != sum(map(folds.highest, rows)):
        yield "its total is not that of its origins"
    if not rows or not all(fold.first <= row.id <= fold.last for row in rows):
        yield "its range is not that of its origins"


def _has_two_heads(origin: UUID) -> bool:
    containing = Fold.objects.filter(first__lte=origin, last__gte=origin, members__contains=origin.hex).count()
    return containing + Origin.objects.filter(pk=origin).count() > 1


def _foreign_rows(known: Container[UUID]) -> Iterator[Step]:
    """Findings for rows and dispositions without an origin, or with an origin that has no head.

    An origin that is not among the `known` ones may have begun meanwhile.
    """
    for rows in numbered_rows():
        name = rows.model._meta.verbose_name  # noqa: SLF001 - Django documents _meta as public
        for origin in _origins_of(rows):
            if origin is None or (origin not in known and not origins.find({origin})):
                for row in walk(rows.filter(origin=origin).only("sequence"), "pk"):
                    detail = f"{name} {row.pk}, not recorded by any gateway process"
                    yield Step(0, (Finding("foreign", origin, row.sequence, row.sequence, detail),))


def _origins_of(rows: "QuerySet[Any]") -> Iterator[Any]:
    """None, and each distinct origin in the table: one index lookup each, however many rows it has."""
    yield None
    ordered = rows.filter(origin__isnull=False).order_by("origin").values_list("origin", flat=True)
    origin = ordered.first()
    while origin is not None:
        yield origin
        origin = ordered.filter(origin__gt=origin).first()
