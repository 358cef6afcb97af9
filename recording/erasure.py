"""Deliberate erasure: a row becomes a tombstone that still verifies and reveals nothing of the row.

The row's source removes what belongs to it: see `before_erase`, `on_erase` and `after_erase`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from common.bulk_insert import insert_new
from recording import origins
from recording.batches import Numbered
from recording.ingestion import disposition_of
from recording.models import Disposition, Origin, SealedRow
from recording.seals import keyring
from recording.sources import RecordSource

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK_ROWS = 500  # rows in a transaction


def matching(source: RecordSource, *, before: Any = None, **values: str | None) -> "QuerySet[Any]":
    """The source's rows that match all of the given conditions, which are named as in its `filters`.

    `before` is exclusive and compares the time of the event.
    """
    conditions: dict[str, Any] = {
        source.filters[name].column: value for name, value in values.items() if value is not None
    }
    if before is not None:
        conditions[f"{source.model.time_field}__lt"] = before
    return source.rows.filter(**conditions)


def erase(source: RecordSource, rows: "QuerySet[Any]", reason: str) -> Iterator[int]:
    """Erases rows, one transaction per chunk, and yields the number of rows in each chunk.

    Raises `UnknownKey`, or what the source's hooks raise: then the rows of that chunk are kept.
    Records that are not yet rows are not erased.
    """
    while chunk := list(rows.order_by("pk")[:CHUNK_ROWS]):
        source.before_erase(chunk)
        _erase_chunk(source, chunk, reason)
        source.after_erase(chunk)
        yield len(chunk)


def _erase_chunk(source: RecordSource, chunk: Sequence[Any], reason: str) -> None:
    with transaction.atomic():
        origins.lock_all({row.origin for row in chunk if row.origin})
        source.on_erase(chunk)
        numbered = [(row, row.origin, row.sequence) for row in chunk if row.origin and row.sequence]
        tombstones = [_tombstone(source, row, origin, sequence, reason) for row, origin, sequence in numbered]
        insert_new(tombstones, ["origin", "sequence"])
        source.rows.filter(pk__in=[row.pk for row in chunk]).delete()


def _tombstone(source: RecordSource, row: SealedRow, origin: UUID, sequence: int, reason: str) -> Disposition:
    key = keyring().find(Origin.objects.only("key_id").get(pk=origin).key_id)
    digest = key.digest(source.record_of(row).content(row.record_version))
    number = Numbered(sequence, digest, bytes(row.seal or b""), b"")
    return disposition_of(number, origin, key, Disposition.Kind.ERASED, reason)
