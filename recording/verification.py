"""Verification: walks every origin's numbers in order and finds missing, changed and foreign rows.

It can't detect a database that was rolled back together with the heads saved beside the journal, or changes by somebody
who has the sealing key.
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

CHUNK_ROWS = 500  # rows held in memory


@dataclass(frozen=True)
class Finding:
    """One fault and where it is; `kind` is `missing`, `changed`, `foreign` or `unreadable`."""

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
    """One link of an origin's chain: a numbered row or disposition, reduced to what verification needs."""

    sequence: int
    seal: bytes
    digest: bytes
    is_intact: bool  # its own row or disposition seal verifies
    name: str


@dataclass(frozen=True)
class Step:
    """Progress of a walk: how many numbers were checked since the last step, and the findings among them."""

    checked: int
    findings: tuple[Finding, ...] = ()


def estimated_total() -> int:
    """Roughly how many numbers a walk will check."""
    return sum(Origin.objects.values_list("highest", flat=True))


def verify(journal: Path) -> Iterator[Step]:
    """Walks the whole log in bounded memory. Raises `UnreadableSegment` or `DamagedHeads`."""
    waiting = waiting_numbers(journal)
    saved_heads = heads.read(journal)
    known: set[UUID] = set()
    for origin in Origin.objects.order_by("id").iterator(CHUNK_ROWS):
        known.add(origin.id)
        yield from _verify_origin(origin, waiting.get(origin.id, []), saved_heads.get(origin.id, 0))
    yield from _lost_origins(saved_heads, known, waiting)
    yield from _foreign_rows()
    if (journal / heads.DAMAGED_NAME).exists():
        detail = f"{heads.DAMAGED_NAME} beside the journal: completely deleted origins from before can't be named"
        yield Step(0, (Finding("unreadable", None, None, None, detail),))


def _verify_origin(origin: Origin, waiting: list[tuple[int, int]], saved_highest: int) -> Iterator[Step]:
    try:
        key = keyring().find(origin.key_id)
    except UnknownKey as exc:
        yield Step(origin.highest, (Finding("unreadable", origin.id, 1, origin.highest, str(exc)),))
        return
    head = key.head(origin.id, origin.host, origin.highest, ended=origin.ended)
    if bytes(origin.seal) != head:
        yield Step(0, (Finding("changed", origin.id, origin.highest, origin.highest, "the origin's head"),))
    highest = max(origin.highest, saved_highest)
    expected, previous = 1, START
    for link in _links(origin.id, key):
        if link.sequence < expected or (link.sequence > highest and not link.is_intact):
            yield Step(0, (Finding("foreign", origin.id, link.sequence, link.sequence, link.name),))
            continue
        findings = _missing(origin.id, expected, link.sequence - 1, waiting)
        findings += _check(origin.id, link, key, previous if link.sequence == expected else None)
        yield Step(link.sequence - expected + 1, tuple(findings))
        expected, previous = link.sequence + 1, link.seal
    if expected <= highest:
        yield Step(highest - expected + 1, tuple(_missing(origin.id, expected, highest, waiting)))


def _check(origin: UUID, link: Link, key: Key, previous: bytes | None) -> list[Finding]:
    if not link.is_intact:
        return [Finding("changed", origin, link.sequence, link.sequence, link.name)]
    if previous is not None and key.seal(previous, origin, link.sequence, link.digest) != link.seal:
        return [Finding("changed", origin, link.sequence, link.sequence, f"{link.name}, or the one before it")]
    return []


def _missing(origin: UUID, first: int, last: int, waiting: list[tuple[int, int]]) -> list[Finding]:
    """Findings for the ranges of `first` to `last` that are not in the journal either."""
    findings, start = [], first
    for low, high in sorted(waiting):
        if start <= last and low <= last and high >= start:
            if low > start:
                findings.append(Finding("missing", origin, start, low - 1, "neither row nor disposition nor journal"))
            start = high + 1
    if start <= last:
        findings.append(Finding("missing", origin, start, last, "neither row nor disposition nor journal"))
    return findings


def _links(origin: UUID, key: Key) -> Iterator[Link]:
    """An origin's rows of all sources and its dispositions, merged by number."""
    rows = [_row_links(source, origin, key) for source in sources.registered()]
    dispositions = (_disposition_link(each, key) for each in _by_number(Disposition, origin))
    return heapq.merge(*rows, dispositions, key=lambda link: link.sequence)


def _by_number(model: Any, origin: UUID) -> Iterator[Any]:
    """An origin's rows or dispositions in chunks, those without a number first.

    With a single statement PostgreSQL would copy the whole origin before it returns the first row.
    """
    rows = model._default_manager.filter(origin=origin).order_by("sequence", "pk")  # noqa: SLF001
    yield from rows.filter(sequence=None).iterator(CHUNK_ROWS)
    chunk = list(rows.filter(sequence__isnull=False)[:CHUNK_ROWS])
    while chunk:
        yield from chunk
        chunk = list(rows.filter(above(sequence=chunk[-1].sequence, pk=chunk[-1].pk))[:CHUNK_ROWS])


def _row_links(source: RecordSource, origin: UUID, key: Key) -> Iterator[Link]:
    for row in _by_number(source.model, origin):
        seal, name = bytes(row.seal or b""), f"row {row.pk}"
        digest = _digest(source, row, key)
        expected = key.row(seal, digest, microseconds(row.created_at), row.payload_bytes)
        yield Link(row.sequence or 0, seal, digest, expected == bytes(row.row_seal or b""), name)


def _digest(source: RecordSource, row: Any, key: Key) -> bytes:
    """The digest of the row's content; empty if the row can't have come from a record."""
    try:
        return key.digest(source.record_of(row).content(row.record_version))
    except (BadRecord, UnsupportedRecord):
        return b""


def _disposition_link(each: Disposition, key: Key) -> Link:
    digest, seal = bytes(each.digest), bytes(each.seal)
    expected = key.disposition(each.kind, seal, digest, bytes(each.payload))
    return Link(each.sequence, seal, digest, expected == bytes(each.disposition_seal), f"{each.kind} record")


def _lost_origins(
    saved_heads: dict[UUID, int], known: set[UUID], waiting: dict[UUID, list[tuple[int, int]]]
) -> Iterator[Step]:
    for origin, highest in saved_heads.items():
        if origin not in known:
            findings = _missing(origin, 1, highest, waiting.get(origin, []))
            detail = Finding("missing", origin, 1, highest, "the whole origin, which this host knows")
            yield Step(0, (detail, *findings))


def _foreign_rows() -> Iterator[Step]:
    """Findings for rows and dispositions without an origin, or with an origin that has no head."""
    models: list[Any] = [*(source.model for source in sources.registered()), Disposition]
    for model in models:
        for origin in _origins_of(model):
            if origin is None or not Origin.objects.filter(pk=origin).exists():
                rows = model._default_manager.filter(origin=origin)  # noqa: SLF001 - Django documents it as public
                for pk, number in rows.values_list("pk", "sequence").iterator(CHUNK_ROWS):
                    detail = f"{model._meta.verbose_name} {pk}, not recorded by any gateway process"  # noqa: SLF001
                    yield Step(0, (Finding("foreign", origin, number, number, detail),))


def _origins_of(model: Any) -> Iterator[Any]:
    """None, and each distinct origin in the table: one index lookup each, however many rows it has."""
    yield None
    rows = model._default_manager.filter(origin__isnull=False).order_by("origin")  # noqa: SLF001
    origin = rows.values_list("origin", flat=True).first()
    while origin is not None:
        yield origin
        origin = rows.filter(origin__gt=origin).values_list("origin", flat=True).first()
