"""Heads: what is settled of each origin, in its row of `Origin`, sealed.

Every transaction that writes about an origin locks its head first. So each of them sees all that the others settled,
and what is settled once stays settled: a batch that comes again, even while its rows are being erased, adds nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from common.bulk_insert import insert_new
from common.number_set import NumberSet
from recording.models import Origin
from recording.seals import Key, UnknownKey, keyring


class WrongKey(Exception):
    """The origin is sealed with another key than the batch."""


@dataclass
class Head:
    """An origin's head. `is_genuine` is whether its seal verifies; None if its key is not configured."""

    origin: UUID
    host: str
    key_id: str
    settled: NumberSet
    erased: int
    ended: bool
    is_genuine: bool | None

    @classmethod
    def of(cls, row: Origin) -> "Head":
        """The head in this row."""
        try:
            key = keyring().find(row.key_id)
            settled = NumberSet.parse(row.settled)
        except UnknownKey:
            return cls(row.id, row.host, row.key_id, _parsed(row.settled), row.erased, row.ended, is_genuine=None)
        except ValueError:
            return cls(row.id, row.host, row.key_id, NumberSet(), row.erased, row.ended, is_genuine=False)
        is_genuine = bytes(row.seal) == key.head(row.id, row.host, row.settled, row.erased, ended=row.ended)
        return cls(row.id, row.host, row.key_id, settled, row.erased, row.ended, is_genuine)

    def save(self) -> None:
        """Writes it, sealed anew. If its seal did not verify before, it still does not, and `verify_log` reports it."""
        columns = {"settled": str(self.settled), "erased": self.erased, "ended": self.ended}
        columns["changed_at"] = datetime.now(UTC)
        if self.is_genuine:
            key = keyring().find(self.key_id)
            columns["seal"] = key.head(self.origin, self.host, str(self.settled), self.erased, ended=self.ended)
        Origin.objects.filter(pk=self.origin).update(**columns)


def settled(origin: UUID) -> NumberSet:
    """The settled numbers of an origin; empty if it has no head whose seal verifies."""
    head = genuine(origin)
    return head.settled if head else NumberSet()


def genuine(origin: UUID) -> Head | None:
    """The origin's head; None if there is none whose seal verifies."""
    row = Origin.objects.filter(pk=origin).first()
    head = Head.of(row) if row else None
    return head if head and head.is_genuine else None


def lock(origin: UUID) -> Head | None:
    """The origin's head, locked until the transaction ends; None if there is none."""
    row = Origin.objects.select_for_update().filter(pk=origin).first()
    return Head.of(row) if row else None


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

    Returns those that exist.
    """
    rows = Origin.objects.select_for_update().filter(pk__in=origins).order_by("pk")
    return {row.id: Head.of(row) for row in rows}


def end(origin: UUID) -> None:
    """Seals that the origin's highest settled number is its last. An origin without settled numbers has no head."""
    with transaction.atomic():
        head = lock(origin)
        if head and head.is_genuine and not head.ended:
            head.ended = True
            head.save()


def _parsed(text: str) -> NumberSet:
    try:
        return NumberSet.parse(text)
    except ValueError:
        return NumberSet()
