"""Verification: walks every origin's numbers in order, and finds what is missing, changed or foreign.

It can't see a database that was rolled back together with the heads kept beside the journal, nor what somebody does who
holds the sealing key.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from common.keyset import above
from recording import sources
from recording.backlog import waiting_numbers
from recording.models import Disposition, Origin
from recording.publisher import heads
from recording.records import BadRecord, UnsupportedRecord, microseconds
from recording.seals import START, Key, UnknownKey, keyring
from recording.sources import RecordSource

AT_ONCE = 500  # rows held in memory


@dataclass(frozen=True)
class Finding:
    """One thing wrong: `missing`, `changed`, `foreign` or `unreadable`, and where."""

    kind: str
    origin: UUID | None
    first: int | None
    last: int | None
    detail: str

    def __str__(self) -> str:
        if self.origin is None:
            return f"{self.kind}: {self.detail}"
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.kind}: number {numbers} of origin {self.origin}: {self.detail}"


@dataclass(frozen=True)
class Link:
    """A numbered row or disposition, reduced to what proves it."""

    sequence: int
    seal: bytes
    digest: bytes
    is_own: bool  # its own seal holds
    name: str


@dataclass(frozen=True)
class Step:
    """How far a walk is: numbers looked at since the last step, and what was found."""

    looked_at: int
    findings: tuple[Finding, ...] = ()


def numbers_known() -> int:
    """How many numbers a walk will look at, about."""
    return sum(Origin.objects.values_list("highest", flat=True))


def verify(journal: Path) -> Iterator[Step]:
    """Walks the whole log in bounded memory. Raises `UnreadableSegment` or `DamagedHeads`."""
    on_their_way = waiting_numbers(journal)
    kept_heads = heads.read(journal)
    known: set[UUID] = set()
    for origin in Origin.objects.order_by("id").iterator(AT_ONCE):
        known.add(origin.id)
        yield from _verify_origin(origin, on_their_way.get(origin.id, []), kept_heads.get(origin.id, 0))
    yield from _lost_origins(kept_heads, known, on_their_way)
    yield from _foreign_rows()
    if (journal / heads.DAMAGED_NAME).exists():
        detail = f"{heads.DAMAGED_NAME} beside the journal: an origin that was deleted whole before can't be named"
        yield Step(0, (Finding("unreadable", None, None, None, detail),))


def _verify_origin(origin: Origin, waiting: list[tuple[int, int]], kept_highest: int) -> Iterator[Step]:
    try:
        key = keyring().find(origin.key_id)
    except UnknownKey as exc:
        yield Step(origin.highest, (Finding("unreadable", origin.id, 1, origin.highest, str(exc)),))
        return
    head = key.head(origin.id, origin.host, origin.highest, ended=origin.ended)
    if bytes(origin.seal) != head:
        yield Step(0, (Finding("changed", origin.id, origin.highest, origin.highest, "the origin's head"),))
    highest = max(origin.highest, kept_highest)
    expected, previous = 1, START
    for link in _links(origin.id, key):
        if link.sequence < expected or (link.sequence > highest and not link.is_own):
            yield Step(0, (Finding("foreign", origin.id, link.sequence, link.sequence, link.name),))
            continue
        findings = _missing(origin.id, expected, link.sequence - 1, waiting)
        findings += _check(origin.id, link, key, previous if link.sequence == expected else None)
        yield Step(link.sequence - expected + 1, tuple(findings))
        expected, previous = link.sequence + 1, link.seal
    if expected <= highest:
        yield Step(highest - expected + 1, tuple(_missing(origin.id, expected, highest, waiting)))


def _check(origin: UUID, link: Link, key: Key, previous: bytes | None) -> list[Finding]:
    if not link.is_own:
        return [Finding("changed", origin, link.sequence, link.sequence, link.name)]
    if previous is not None and key.seal(previous, origin, link.sequence, link.digest) != link.seal:
        return [Finding("changed", origin, link.sequence, link.sequence, f"{link.name}, or the one before it")]
    return []


def _missing(origin: UUID, first: int, last: int, waiting: list[tuple[int, int]]) -> list[Finding]:
    """The numbers from `first` to `last` that are not in the journal either, as ranges."""
    findings, begins = [], first
    for low, high in sorted(waiting):
        if begins <= last and low <= last and high >= begins:
            if low > begins:
                findings.append(Finding("missing", origin, begins, low - 1, "neither row nor disposition nor journal"))
            begins = high + 1
    if begins <= last:
        findings.append(Finding("missing", origin, begins, last, "neither row nor disposition nor journal"))
    return findings


def _links(origin: UUID, key: Key) -> Iterator[Link]:
    """Rows of all sources and dispositions of an origin, by number."""
    rows = [_row_links(source, origin, key) for source in sources.registered()]
    dispositions = (_disposition_link(each, key) for each in _by_number(Disposition, origin))
    return heapq.merge(*rows, dispositions, key=lambda link: link.sequence)


def _by_number(model: Any, origin: UUID) -> Iterator[Any]:
    """An origin's rows or dispositions, by statements of a bounded size each, those without a number first.

    One statement for all would have PostgreSQL copy the origin whole before it gives the first row.
    """
    own = model._default_manager.filter(origin=origin).order_by("sequence", "pk")  # noqa: SLF001
    yield from own.filter(sequence=None).iterator(AT_ONCE)
    found = list(own.filter(sequence__isnull=False)[:AT_ONCE])
    while found:
        yield from found
        found = list(own.filter(above(sequence=found[-1].sequence, pk=found[-1].pk))[:AT_ONCE])


def _row_links(source: RecordSource, origin: UUID, key: Key) -> Iterator[Link]:
    for row in _by_number(source.model, origin):
        seal, name = bytes(row.seal or b""), f"row {row.pk}"
        digest = _digest(source, row, key)
        own = key.row(seal, digest, microseconds(row.created_at), row.payload_bytes)
        yield Link(row.sequence or 0, seal, digest, own == bytes(row.row_seal or b""), name)


def _digest(source: RecordSource, row: Any, key: Key) -> bytes:
    """Of what the row says; no digest for a row that no record can have become."""
    try:
        return key.digest(source.record_of(row).content(row.record_version))
    except (BadRecord, UnsupportedRecord):
        return b""


def _disposition_link(each: Disposition, key: Key) -> Link:
    digest, seal = bytes(each.digest), bytes(each.seal)
    own = key.disposition(each.kind, seal, digest, bytes(each.payload))
    return Link(each.sequence, seal, digest, own == bytes(each.disposition_seal), f"{each.kind} record")


def _lost_origins(
    kept: dict[UUID, int], known: set[UUID], waiting: dict[UUID, list[tuple[int, int]]]
) -> Iterator[Step]:
    for origin, highest in kept.items():
        if origin not in known:
            findings = _missing(origin, 1, highest, waiting.get(origin, []))
            detail = Finding("missing", origin, 1, highest, "the origin itself, known to this host")
            yield Step(0, (detail, *findings))


def _foreign_rows() -> Iterator[Step]:
    """Rows and dispositions of no origin, or of one that has no head."""
    models: list[Any] = [*(source.model for source in sources.registered()), Disposition]
    for model in models:
        for origin in _origins_of(model):
            if origin is None or not Origin.objects.filter(pk=origin).exists():
                rows = model._default_manager.filter(origin=origin)  # noqa: SLF001 - Django documents it as public
                for pk, number in rows.values_list("pk", "sequence").iterator(AT_ONCE):
                    detail = f"{model._meta.verbose_name} {pk}, which no gateway process recorded"  # noqa: SLF001
                    yield Step(0, (Finding("foreign", origin, number, number, detail),))


def _origins_of(model: Any) -> Iterator[Any]:
    """Each origin that is named, and None: one look into the index for each, however many rows name it."""
    yield None
    rows = model._default_manager.filter(origin__isnull=False).order_by("origin")  # noqa: SLF001
    origin = rows.values_list("origin", flat=True).first()
    while origin is not None:
        yield origin
        origin = rows.filter(origin__gt=origin).values_list("origin", flat=True).first()
