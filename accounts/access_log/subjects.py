"""The people that the access log names, as a table with an index: written with the rows, and compared with them.

The table is what makes "who looked at this patient" one look-up. So a row that somebody removed from it, added or
changed must be a finding of `verify_log`: otherwise the answer would be incomplete unseen.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from accounts.access_log.records import names_in
from accounts.models import AccessLog, AccessSubject
from common.bulk_insert import insert_new
from common.keyset import CHUNK_ROWS, above
from recording.findings import Finding, Step
from recording.lookups import lookup
from recording.records import BadRecord

if TYPE_CHECKING:
    from django.db.models import QuerySet

INSERT_ROWS = 500
LOOKS = 3  # at a row that seems not to fit: it may be written, or erased, meanwhile

Person = tuple[str, UUID, str, Any]  # kind, keyed hash of the name, account, time


def insert(rows: Iterable[Any]) -> None:
    """Writes whom these new rows name, in the caller's transaction."""
    people = [AccessSubject(access_id=row.pk, **_columns(person)) for row in rows for person in _expected(row)]
    for start in range(0, len(people), INSERT_ROWS):
        insert_new(people[start : start + INSERT_ROWS], ["access_id", "kind", "name_key"])


def verify() -> Iterator[Step]:
    """Compares all rows with the table, in bounded memory."""
    last: UUID | None = None
    while rows := _next_rows(last):
        end = rows[-1].pk
        yield Step(0, tuple(_findings(rows, _between(last, end))))
        last = end
    yield Step(0, tuple(_findings([], _between(last, None))))


def _next_rows(last: UUID | None) -> list[AccessLog]:
    rows = AccessLog.objects.order_by("pk").only(*("id", "origin", "sequence", "patients", "doctors"), *_COPIED)
    return list((rows.filter(above(id=last)) if last else rows)[:CHUNK_ROWS])


def _between(last: UUID | None, end: UUID | None) -> "QuerySet[AccessSubject]":
    """The table's rows for ids above `last`, up to `end`."""
    bounds = Q() if last is None else Q(access_id__gt=last)
    return AccessSubject.objects.filter(bounds if end is None else bounds & Q(access_id__lte=end))


def _findings(rows: Sequence[AccessLog], people: "QuerySet[AccessSubject]") -> Iterator[Finding]:
    present: dict[UUID, set[Person]] = {}
    for each in people:
        present.setdefault(each.access_id, set()).add((each.kind, each.name_key, each.account, each.recorded_at))
    expected = {row.pk: _expected(row) for row in rows}
    for access_id in present.keys() | expected.keys():
        if present.get(access_id, set()) != expected.get(access_id, set()):
            yield from _look_again(access_id)


def _look_again(access_id: UUID) -> Iterator[Finding]:
    for _ in range(LOOKS):
        row = AccessLog.objects.filter(pk=access_id).first()
        people = AccessSubject.objects.filter(access=access_id)
        present = {(each.kind, each.name_key, each.account, each.recorded_at) for each in people}
        expected = _expected(row) if row else set()
        if present == expected:
            return
    if row is None:
        yield Finding("foreign", None, None, None, f"{len(present)} people of access {access_id}, which is no row")
        return
    lost, added = len(expected - present), len(present - expected)
    detail = f"people of row {row.pk}: {lost} of {len(expected)} are missing or changed, {added} are not in the row"
    yield Finding("changed", row.origin, row.sequence, row.sequence, detail)


def _expected(row: Any) -> set[Person]:
    """What the table must have for a row. Nothing for a row that somebody made unreadable: its seal shows that."""
    try:
        names = {"patient": names_in(row.patients), "doctor": names_in(row.doctors)}
    except BadRecord:
        return set()
    people = ((kind, lookup(kind, name)) for kind, found in names.items() for name in found)
    return {(*person, row.account, row.recorded_at) for person in people}


_COPIED = ("account", "recorded_at")


def _columns(person: Person) -> dict[str, Any]:
    return dict(zip(("kind", "name_key", *_COPIED), person, strict=True))
