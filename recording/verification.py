"""Verification: walks every origin's numbers in order and finds missing, changed and foreign rows.

It can't detect a database that was rolled back together with the heads saved beside the journal, or changes by somebody
who has the sealing key.
"""

import heapq
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from common.keyset import walk
from common.number_set import NumberSet, between
from recording import folds, lookups, origins, sources
from recording.backlog import journal_numbers, waiting_numbers
from recording.ingestion import is_genuine
from recording.models import Disposition, Fold, Origin
from recording.origins import Head
from recording.publisher import heads
from recording.records import UnsupportedRecord, microseconds
from recording.seals import START, Key, keyring
from recording.sources import RecordSource


@dataclass(frozen=True)
class Finding:
    """One fault and where it is; `kind` is `missing`, `changed`, `foreign` or `unreadable`."""

    kind: str
    origin: UUID | None
    first: int | None
    last: int | None
    detail: str

    @property
    def size(self) -> int:
        """How many numbers it is about."""
        return self.last - self.first + 1 if self.first is not None and self.last is not None else 0

    def __str__(self) -> str:
        if self.origin is None:
            return f"{self.kind}: {self.detail}"
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.kind}: number {numbers} of origin {self.origin}: {self.detail}"


class Link(NamedTuple):
    """One link of an origin's chain: a numbered row or disposition, reduced to what verification needs."""

    sequence: int
    seal: bytes
    digest: bytes
    is_intact: bool  # its own row or disposition seal verifies
    row_id: Any = None
    disposition: str = ""  # its kind, if there is no row

    @property
    def is_tombstone(self) -> bool:
        """Whether its row was erased."""
        return self.disposition == Disposition.Kind.ERASED

    @property
    def name(self) -> str:
        """What a finding calls it."""
        return f"{self.disposition} record" if self.disposition else f"row {self.row_id}"


class Step(NamedTuple):
    """Progress of a walk: how many numbers were checked since the last step, and the findings among them."""

    checked: int
    findings: tuple[Finding, ...] = ()


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
            numbers = _InJournal(journal, item.origin, *parts)
            yield from _verify_origin(item, numbers, saved_heads.get(item.origin))
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


@dataclass
class _InJournal:
    """An origin's numbers in the journal, as of `before` its head was read, and as of a moment after that.

    Those in `blank` frames must be settled: only then may a frame be made blank.
    """

    journal: Path
    origin: UUID
    before: NumberSet
    blank: NumberSet

    @cached_property
    def after(self) -> NumberSet:
        """Read from the journal when it is first needed. Raises `UnreadableSegment`."""
        return waiting_numbers(self.journal, self.origin).get(self.origin, NumberSet())


def _verify_origin(head: Head, waiting: _InJournal, saved: heads.SavedHead | None) -> Iterator[Step]:
    origin, last = head.origin, head.settled.highest
    if head.is_genuine is None:
        detail = f"no configured key has the id {head.key_id}: add the old key to SEAL_KEY_FALLBACKS"
        yield Step(last, (Finding("unreadable", origin, 1, last, detail),))
        return
    yield Step(0, tuple(Finding("changed", origin, last, last, detail) for detail in _faults_of_head(head, saved)))
    key = keyring().find(head.key_id)
    settled = head.settled | waiting.blank
    settled |= saved.settled if saved and saved.is_genuine(origin) else NumberSet()
    highest = (settled | waiting.before).highest
    erased = max(head.erased, saved.erased) if saved and saved.is_genuine(origin) else head.erased
    expected, previous, tombstones = 1, START, 0
    for link in _links(origin, key):
        if link.sequence < expected or (link.sequence > highest and not link.is_intact):
            if link.sequence < 1 or link.sequence >= expected or _is_taken_twice(origin, link.sequence):
                yield Step(0, (Finding("foreign", origin, link.sequence, link.sequence, link.name),))
            continue
        has_gap = link.sequence > expected
        findings = _missing(origin, between(expected, link.sequence - 1), settled, waiting) if has_gap else []
        findings += _check(origin, link, key, None if has_gap else previous)
        tombstones += link.is_tombstone and link.is_intact
        erased -= link.is_tombstone + sum(finding.size for finding in findings if finding.kind == "missing")
        yield Step(link.sequence - expected + 1, tuple(findings))
        expected, previous = link.sequence + 1, link.seal
    if expected <= highest:
        rest = between(expected, highest)
        findings = _missing(origin, rest, settled, waiting)
        erased -= sum(finding.size for finding in findings)
        yield Step(len(rest), tuple(findings))
    if erased > 0:
        detail = f"{erased} of its erased records are rows again"
        yield Step(0, (Finding("changed", origin, 1, highest, detail),))
    if tombstones > head.erased and tombstones > _erased_now(origin):  # some may have been erased meanwhile
        detail = "the origin's head: it knows fewer erased records than there are"
        yield Step(0, (Finding("changed", origin, last, last, detail),))


def _erased_now(origin: UUID) -> int:
    head = origins.find({origin}).get(origin)
    return head.erased if head else 0


def _faults_of_head(head: Head, saved: heads.SavedHead | None) -> list[str]:
    """What is wrong with an origin's head, also compared with what was known of it before."""
    faults = [] if head.is_genuine else ["the origin's head"]
    if saved is not None:
        if saved.key_id != head.key_id:
            faults.append("the origin's head: it was sealed with another key before")
        elif saved.is_genuine(head.origin) is False:
            faults.append("the saved copy of the origin's head")
        elif saved.settled - head.settled:
            faults.append("the origin's head: more numbers were settled before")
        elif saved.erased > head.erased:
            faults.append("the origin's head: more records were erased before")
    return faults


def _check(origin: UUID, link: Link, key: Key, previous: bytes | None) -> list[Finding]:
    if not link.is_intact:
        return [Finding("changed", origin, link.sequence, link.sequence, link.name)]
    if previous is not None and key.seal(previous, origin, link.sequence, link.digest) != link.seal:
        return [Finding("changed", origin, link.sequence, link.sequence, f"{link.name}, or the one before it")]
    return []


def _missing(origin: UUID, absent: NumberSet, settled: NumberSet, waiting: _InJournal) -> list[Finding]:
    """Findings for numbers without row and disposition, unless they are only on their way from the journal.

    The journal is read once more for numbers that came to it after the first time, if a later one was settled first.
    Then the tables are: what left the journal meanwhile is there, and a row may have become a tombstone.
    """
    lost = absent - (waiting.before - settled)
    if lost - settled:
        lost -= waiting.after - settled
    lost = NumberSet(part for first, last in lost.ranges for part in _still_absent(origin, first, last).ranges)
    here = lost & waiting.before
    details = (
        (here, "settled, but without row and disposition; the journal has it: run `manage.py restore`"),
        (lost - here, "neither row nor disposition nor journal"),
    )
    found = [Finding("missing", origin, first, last, text) for part, text in details for first, last in part.ranges]
    return sorted(found, key=lambda finding: finding.first or 0)


def _still_absent(origin: UUID, first: int, last: int) -> NumberSet:
    numbers = {"origin": origin, "sequence__range": (first, last)}
    present = [model._default_manager.filter(**numbers).values_list("sequence", flat=True) for model in _models()]  # noqa: SLF001 - Django documents it as public
    return between(first, last) - NumberSet((number, number) for found in present for number in found)


def _is_taken_twice(origin: UUID, number: int) -> bool:
    """Whether several rows and dispositions have this number, now: an erased row was seen with its tombstone."""
    counts = [model._default_manager.filter(origin=origin, sequence=number).count() for model in _models()]  # noqa: SLF001
    return int(sum(counts)) > 1


def _models() -> list[Any]:
    return [*(source.model for source in sources.registered()), Disposition]


def _links(origin: UUID, key: Key) -> Iterator[Link]:
    """An origin's rows of all sources and its dispositions, merged by number."""
    rows = [_row_links(source, origin, key) for source in sources.registered()]
    dispositions = (_disposition_link(each, key) for each in _by_number(Disposition.objects.filter(origin=origin)))
    return heapq.merge(*rows, dispositions, key=lambda link: link.sequence)


def _by_number(rows: Any) -> Iterator[Any]:
    """An origin's rows or dispositions in chunks, those without a number first.

    With a single statement PostgreSQL would copy the whole origin before it returns the first row.
    """
    yield from walk(rows.filter(sequence=None), "id")
    yield from walk(rows.filter(sequence__isnull=False), "sequence", "id")


def _row_links(source: RecordSource, origin: UUID, key: Key) -> Iterator[Link]:
    are_filled = lookups.filled_check(source.model)
    for row in _by_number(source.rows.filter(origin=origin).values()):  # an instance of each would take longer
        seal = bytes(row["seal"] or b"")
        digest = _digest(source, row, key)
        sequence = row["sequence"] or 0
        expected = key.row((origin, sequence), seal, digest, microseconds(row["created_at"]), row["payload_bytes"])
        is_intact = bool(digest) and expected == bytes(row["row_seal"] or b"") and are_filled(row)
        yield Link(sequence, seal, digest, is_intact, row["id"])


def _digest(source: RecordSource, values: Mapping[str, Any], key: Key) -> bytes:
    """The digest of a row's content; empty if the row can't have come from a record."""
    try:
        return key.digest(source.content_of(values))
    except UnsupportedRecord:
        return b""


def _disposition_link(each: Disposition, key: Key) -> Link:
    digest, seal = bytes(each.digest), bytes(each.seal)
    return Link(each.sequence, seal, digest, is_genuine(each, key), disposition=each.kind)


def _foreign_rows(known: Container[UUID]) -> Iterator[Step]:
    """Findings for rows and dispositions without an origin, or with an origin that has no head.

    An origin that is not among the `known` ones may have begun meanwhile.
    """
    for model in _models():
        for origin in _origins_of(model):
            if origin is None or (origin not in known and not origins.find({origin})):
                rows = model._default_manager.filter(origin=origin)  # noqa: SLF001 - Django documents it as public
                for row in walk(rows.only("sequence"), "pk"):
                    detail = f"{model._meta.verbose_name} {row.pk}, not recorded by any gateway process"  # noqa: SLF001
                    yield Step(0, (Finding("foreign", origin, row.sequence, row.sequence, detail),))


def _origins_of(model: Any) -> Iterator[Any]:
    """None, and each distinct origin in the table: one index lookup each, however many rows it has."""
    yield None
    rows = model._default_manager.filter(origin__isnull=False).order_by("origin")  # noqa: SLF001
    origin = rows.values_list("origin", flat=True).first()
    while origin is not None:
        yield origin
        origin = rows.filter(origin__gt=origin).values_list("origin", flat=True).first()
