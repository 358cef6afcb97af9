"""Heads: what is settled of each origin, in its row of `Origin`, sealed.

Every transaction that writes about an origin locks its head first. So each of them sees all that the others settled,
and what is settled once stays settled: a batch that comes again, even while its rows are being erased, adds nothing.

Heads that nobody changes any more are folded: see `recording.folds`. All look-ups here find them too.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction

from common.bulk_insert import insert_new
from common.number_set import NumberSet
from recording import folds
from recording.models import Origin
from recording.seals import Key, UnknownKey, keyring


class WrongKey(Exception):
    """The origin is sealed with another key than the batch."""


@dataclass
class Head:
    """An origin's head. `is_genuine` is whether its seal verifies; None if its key is not configured.

    `fold` is the fold that it is in, or None; `stored` are the values that the database has, if they are known.
    """

    origin: UUID
    host: str
    key_id: str
    settled: NumberSet
    erased: int
    ended: bool
    is_genuine: bool | None
    fold: int | None = None
    stored: tuple[NumberSet, int, bool] | None = None

    @classmethod
    def of(cls, row: Origin, fold: int | None = None) -> "Head":
        """The head in this row, which may come from a fold."""
        settled, is_genuine = _parsed(row.settled), _is_genuine(row)
        stored = settled, row.erased, row.ended
        return cls(row.id, row.host, row.key_id, *stored, is_genuine, fold, stored)

    def save(self) -> None:
        """Writes it, sealed anew, if it has changed; a folded head is taken out of its fold, which must be locked.

        If its seal did not verify before, it still does not, and `verify_log` reports it.
        """
        if self.stored == (self.settled, self.erased, self.ended):
            return
        if self.fold is not None:
            folds.take_out(self.fold, self.origin)
            self.fold = None
        columns = {"settled": str(self.settled), "erased": self.erased, "ended": self.ended}
        columns["changed_at"] = datetime.now(UTC)
        if self.is_genuine:
            key = keyring().find(self.key_id)
            columns["seal"] = key.head(self.origin, self.host, str(self.settled), self.erased, ended=self.ended)
        Origin.objects.filter(pk=self.origin).update(**columns)
        self.stored = self.settled, self.erased, self.ended


def settled(origin: UUID) -> NumberSet:
    """The settled numbers of an origin; empty if it has no head whose seal verifies."""
    head = genuine(origin)
    return head.settled if head else NumberSet()


def genuine(origin: UUID) -> Head | None:
    """The origin's head; None if there is none whose seal verifies."""
    head = find({origin}).get(origin)
    return head if head and head.is_genuine else None


def find(origins: Collection[UUID]) -> dict[UUID, Head]:
    """The heads of several origins, those that exist."""
    return _look_up(origins, locked=False)


def every() -> Iterator[Head]:
    """The heads of all origins, as of one moment if the caller has a snapshot."""
    yield from map(Head.of, Origin.objects.all())
    yield from map(Head.of, folds.rows())


def lock(origin: UUID) -> Head | None:
    """The origin's head, locked until the transaction ends; None if there is none."""
    return lock_all({origin}).get(origin)


def lock_or_create(origin: UUID, host: str, key: Key) -> Head:
    """The origin's head, locked until the transaction ends. Raises `WrongKey`."""
    head = lock(origin)
    if head is None:
        seal = key.head(origin, host, "", 0, ended=False)
        insert_new([Origin(id=origin, host=host, key_id=key.id, settled="", ended=False, seal=seal)], ["id"])
        head = lock(origin)
    assert head is not None  # noqa: S101 - it exists, and nothing deletes heads
    if head.key_id != key.id:
        raise WrongKey(f"origin {origin} is sealed with the key {head.key_id}, not {key.id}")
    return head


def lock_all(origins: set[UUID]) -> dict[UUID, Head]:
    """Locks the heads of several origins, always in the same order, so that no two transactions wait for each other.

    Returns those that exist. A folded head is locked by its fold.
    """
    _commit_durably()
    return _look_up(origins, locked=True)


def end(origin: UUID) -> None:
    """Seals that the origin's highest settled number is its last. An origin without settled numbers has no head."""
    with transaction.atomic():
        head = lock(origin)
        if head and head.is_genuine and not head.ended:
            head.ended = True
            head.save()


def _commit_durably() -> None:
    """Has PostgreSQL confirm this transaction only on its disk, whatever is set for the user or the database.

    Otherwise a crash could lose rows that were confirmed, and that the journal no longer has.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', true)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )


def _look_up(origins: Collection[UUID], *, locked: bool) -> dict[UUID, Head]:
    """Heads in rows of their own, and in folds. What moved from one to the other between the two looks is found too.

    A head is only folded after a day without change. So one that is in neither place can't have moved twice.
    """
    found = _open(origins, locked=locked)
    if folded := set(origins) - found.keys():
        found |= {origin: Head.of(each.row, each.fold) for origin, each in folds.find(folded, locked=locked).items()}
        if taken_out := folded - found.keys():
            found |= _open(taken_out, locked=locked)
    return found


def _open(origins: Collection[UUID], *, locked: bool) -> dict[UUID, Head]:
    rows = Origin.objects.select_for_update() if locked else Origin.objects.all()
    return {row.id: Head.of(row) for row in rows.filter(pk__in=origins).order_by("pk")}


def _is_genuine(row: Origin) -> bool | None:
    try:
        key, _ = keyring().find(row.key_id), NumberSet.parse(row.settled)
    except UnknownKey:
        return None
    except ValueError:
        return False
    return bytes(row.seal) == key.head(row.id, row.host, row.settled, row.erased, ended=row.ended)


def _parsed(text: str) -> NumberSet:
    try:
        return NumberSet.parse(text)
    except ValueError:
        return NumberSet()
