"""The walk over one origin's numbers, in order: each must have an intact row or disposition whose seal follows.

A number may have none while its record is on its way from the journal.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from common.keyset import walk
from common.number_set import NumberSet, between
from recording import lookups, origins, sources
from recording.backlog import waiting_numbers
from recording.findings import Finding, Step
from recording.ingestion import is_genuine, numbered_rows
from recording.models import Disposition
from recording.origins import Head
from recording.publisher.heads import SavedHead
from recording.records import UnsupportedRecord, microseconds
from recording.seals import START, Key, keyring
from recording.sources import RecordSource


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


@dataclass
class InJournal:
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


def verify(head: Head, in_journal: InJournal, saved: SavedHead | None) -> Iterator[Step]:
    """Verifies an origin; `saved` is its head as it was kept outside the database. Raises `UnreadableSegment`."""
    origin, last = head.origin, head.settled.highest
    if head.is_genuine is None:
        detail = f"no configured key has the id {head.key_id}: add the old key to SEAL_KEY_FALLBACKS"
        yield Step(last, (Finding("unreadable", origin, 1, last, detail),))
        return
    yield Step(0, tuple(Finding("changed", origin, last, last, detail) for detail in _faults_of_head(head, saved)))
    yield from _Walk(head, in_journal, saved if saved and saved.is_genuine(origin) else None).steps()


class _Walk:
    """The state of a walk. `saved` is only a genuine head."""

    def __init__(self, head: Head, in_journal: InJournal, saved: SavedHead | None) -> None:
        self._head, self._origin, self._key = head, head.origin, keyring().find(head.key_id)
        self._in_journal = in_journal
        self._settled = head.settled | in_journal.blank | (saved.settled if saved else NumberSet())
        self._highest = (self._settled | in_journal.before).highest
        self._tombstones_left = max(head.erased, saved.erased if saved else 0)  # that the walk must still find
        self._tombstones = 0  # intact ones
        self._expected, self._previous = 1, START  # the next number, and the seal of the one before it

    def steps(self) -> Iterator[Step]:
        for link in _links(self._origin, self._key):
            if link.sequence < self._expected or (link.sequence > self._highest and not link.is_intact):
                yield Step(0, tuple(self._foreign(link)))
            else:
                yield self._follow(link)
        if self._expected <= self._highest:
            yield Step(self._highest - self._expected + 1, tuple(self._missing_to(self._highest)))
        yield Step(0, tuple(self._faults_of_tombstones()))

    def _foreign(self, link: Link) -> Iterator[Finding]:
        """A link that takes a number which another one has, or that no record can have."""
        is_second = 1 <= link.sequence < self._expected
        if not is_second or _is_taken_twice(self._origin, link.sequence):
            yield Finding("foreign", self._origin, link.sequence, link.sequence, link.name)

    def _follow(self, link: Link) -> Step:
        checked, has_gap = link.sequence - self._expected + 1, link.sequence > self._expected
        findings = self._missing_to(link.sequence - 1) if has_gap else []
        findings += _check(self._origin, link, self._key, None if has_gap else self._previous)
        self._tombstones += link.is_tombstone and link.is_intact
        self._tombstones_left -= link.is_tombstone
        self._expected, self._previous = link.sequence + 1, link.seal
        return Step(checked, tuple(findings))

    def _missing_to(self, last: int) -> list[Finding]:
        """Findings for the numbers up to `last`, which have no link. Any of them may have been a tombstone."""
        findings = _missing(self._origin, between(self._expected, last), self._settled, self._in_journal)
        self._tombstones_left -= sum(finding.size for finding in findings)
        return findings

    def _faults_of_tombstones(self) -> Iterator[Finding]:
        if self._tombstones_left > 0:
            detail = f"{self._tombstones_left} of its erased records are rows again"
            yield Finding("changed", self._origin, 1, self._highest, detail)
        # Some may have been erased since the head was read.
        if self._tombstones > self._head.erased and self._tombstones > _erased_now(self._origin):
            last = self._head.settled.highest
            detail = "the origin's head: it knows fewer erased records than there are"
            yield Finding("changed", self._origin, last, last, detail)


def _erased_now(origin: UUID) -> int:
    head = origins.find({origin}).get(origin)
    return head.erased if head else 0


def _faults_of_head(head: Head, saved: SavedHead | None) -> list[str]:
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


def _missing(origin: UUID, absent: NumberSet, settled: NumberSet, waiting: InJournal) -> list[Finding]:
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
    present = [rows.filter(**numbers).values_list("sequence", flat=True) for rows in numbered_rows()]
    return between(first, last) - NumberSet((number, number) for found in present for number in found)


def _is_taken_twice(origin: UUID, number: int) -> bool:
    """Whether several rows and dispositions have this number, now: an erased row was seen with its tombstone."""
    return sum(rows.filter(origin=origin, sequence=number).count() for rows in numbered_rows()) > 1


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
