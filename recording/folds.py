"""Folds: rows that hold many heads each, packed, so that the origins of years cost neither scrapes nor disk.

A folded head keeps its own seal, so it is the same head as before. Whatever changes it takes it out of its fold again:
see `origins.Head.save`. Nothing is lost either way, so an origin may be folded that is not known to have ended.
"""

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Count, F, Max, Sum

from common.bulk_insert import insert_new
from common.number_set import NumberSet
from recording.models import Fold, Origin


class BadFold(ValueError):
    """A fold's members can't be read: somebody changed them."""


class Folded(NamedTuple):
    """A head in a fold, as the row of `Origin` that it was."""

    fold: int
    row: Origin


class Totals(NamedTuple):
    """What all folds have together. They differ after each change of a fold."""

    folds: int
    newest: int
    numbers: int


def pack(rows: Iterable[Origin]) -> str:
    """Heads as text: `{origin: [host, key id, settled, erased, ended, seal in Base64]}`."""
    return orjson.dumps({row.id.hex: _values(row) for row in rows}).decode()


def unpack(fold: Fold) -> list[Origin]:
    """The heads in a fold, as unsaved rows. Raises `BadFold`."""
    try:
        return [_row(UUID(origin), values) for origin, values in orjson.loads(fold.members).items()]
    except (ValueError, TypeError, AttributeError) as exc:
        raise BadFold(f"{fold} can't be read ({type(exc).__name__})") from None


def highest(row: Origin) -> int:
    """The highest settled number of a head; 0 if its text is none."""
    try:
        return NumberSet.parse(row.settled).highest
    except ValueError:
        return 0


def add(rows: Collection[Origin]) -> None:
    """Moves heads, which the caller has locked, into a new fold."""
    ids = sorted(row.id for row in rows)
    Fold.objects.create(first=ids[0], last=ids[-1], numbers=sum(map(highest, rows)), members=pack(rows))
    Origin.objects.filter(pk__in=ids).delete()


def take_out(fold_id: int, origin: UUID) -> None:
    """Moves a head from the fold, which the caller has locked, to a row of its own.

    The total is not counted anew: if somebody changed it, `verify_log` must go on to report it.
    """
    fold = Fold.objects.get(pk=fold_id)
    rows = {row.id: row for row in unpack(fold)}
    row = rows.pop(origin)
    this = Fold.objects.filter(pk=fold_id)
    if rows:
        this.update(members=pack(rows.values()), numbers=F("numbers") - highest(row))
    else:
        this.delete()
    insert_new([row], ["id"])


def find(origins: Collection[UUID], *, locked: bool = False) -> dict[UUID, Folded]:
    """The folded ones among these origins; `locked` locks their folds until the transaction ends."""
    found: dict[UUID, Folded] = {}
    rows = Fold.objects.select_for_update() if locked else Fold.objects.all()
    for fold_id in _candidates(origins):  # one by one: each may have 100 KB
        for fold in rows.filter(pk=fold_id):
            found |= {row.id: Folded(fold_id, row) for row in _members(fold) if row.id in origins}
    return found


def each(after: int = 0) -> Iterator[Fold]:
    """All folds in the order of their ids, from the first one above `after`; one at a time in memory."""
    while fold := Fold.objects.filter(pk__gt=after).order_by("pk").first():
        yield fold
        after = fold.pk


def rows(after: int = 0) -> Iterator[Origin]:
    """The heads in the folds with ids above `after`; none of a fold that can't be read."""
    for fold in each(after):
        yield from _members(fold)


def totals() -> Totals:
    """The totals of all folds."""
    found = Fold.objects.aggregate(folds=Count("pk"), newest=Max("pk"), numbers=Sum("numbers"))
    return Totals(found["folds"], found["newest"] or 0, int(found["numbers"] or 0))


def _candidates(origins: Collection[UUID]) -> list[int]:
    """The folds whose ranges have any of these origins."""
    ids = sorted(origins)
    if not ids:
        return []
    ranges = Fold.objects.filter(first__lte=ids[-1], last__gte=ids[0]).order_by("pk")
    return [
        pk
        for pk, first, last in ranges.values_list("pk", "first", "last")
        if (place := bisect_left(ids, first)) < len(ids) and ids[place] <= last
    ]


def _members(fold: Fold) -> list[Origin]:
    try:
        return unpack(fold)
    except BadFold:
        return []


def _values(row: Origin) -> list[object]:
    return [row.host, row.key_id, row.settled, row.erased, row.ended, b64encode(bytes(row.seal)).decode()]


def _row(origin: UUID, values: list[Any]) -> Origin:
    host, key_id, settled, erased, ended, seal = values
    if not all(isinstance(text, str) for text in (host, key_id, settled)) or type(erased) is not int:
        raise TypeError
    return Origin(
        id=origin,
        host=host,
        key_id=key_id,
        settled=settled,
        erased=erased,
        ended=ended is True,
        seal=b64decode(seal, validate=True),
    )
