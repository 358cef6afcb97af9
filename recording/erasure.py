"""Deliberate erasure: a row becomes a tombstone that still verifies and reveals nothing of the row.

The row's source removes what belongs to it: see `before_erase`, `on_erase`, `dependents` and `after_erase`.
`recording.remnants` removes what is left of it elsewhere.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from common.bulk_insert import insert_new
from common.keyset import walk
from recording import origins, sources
from recording.batches import Numbered
from recording.ingestion import disposition_of
from recording.models import Disposition, SealedRow
from recording.records import BadRecord, UnsupportedRecord
from recording.seals import Key, keyring
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
    Records that are not yet rows are not erased: see `backlog.wait_until_settled`.
    """
    while chunk := list(rows.order_by("pk")[:CHUNK_ROWS]):
        source.before_erase(chunk)
        _erase_chunk(source, chunk, reason)
        source.after_erase(chunk)
        yield len(chunk)


def erase_quarantined(source: RecordSource, reason: str, *, before: Any = None, **values: str | None) -> int:
    """Turns quarantined records that match all of the given conditions into tombstones. Returns how many.

    Bytes that can't be decoded match if they contain the given texts. Raises `UnknownKey`, or what the source's hooks
    raise: then the remaining records are kept.
    """
    conditions = {source.filters[name].column: value for name, value in values.items() if value is not None}
    quarantined = Disposition.objects.filter(kind=Disposition.Kind.QUARANTINED)
    erased = 0
    for each in walk(quarantined, "pk"):
        rows = _matching_rows(source, bytes(each.payload), conditions, before)
        if rows is not None:
            source.before_erase(rows)
            _erase_one(source, each, rows, reason)
            source.after_erase(rows)
            erased += 1
    return erased


def _matching_rows(
    source: RecordSource, payload: bytes, conditions: Mapping[str, Any], before: Any
) -> list[SealedRow] | None:
    """The unsaved row of a quarantined record that matches, or none if it can't be decoded; None: it does not match."""
    try:
        found, record = sources.decoded(payload)
    except (BadRecord, UnsupportedRecord):
        texts = [str(value) for value in conditions.values()]
        is_named = all(text.encode() in payload or json.dumps(text)[1:-1].encode() in payload for text in texts)
        return [] if texts and is_named else None
    is_before = before is None or getattr(record, source.model.time_field, before) < before
    if found is not source or not is_before or any(getattr(record, key) != conditions[key] for key in conditions):
        return None
    return [source.model(**vars(record))]


def _erase_one(source: RecordSource, quarantined: Disposition, rows: Sequence[SealedRow], reason: str) -> None:
    with transaction.atomic():
        head = origins.lock(quarantined.origin)
        source.on_erase(rows)
        is_here = Disposition.objects.filter(pk=quarantined.pk, kind=Disposition.Kind.QUARANTINED).delete()[0]
        if head is not None and is_here:
            number = Numbered(quarantined.sequence, bytes(quarantined.digest), bytes(quarantined.seal), b"")
            key = keyring().find(head.key_id)
            insert_new(
                [disposition_of(number, head.origin, key, Disposition.Kind.ERASED, reason)], ["sequence", "origin"]
            )
            head.erased += 1
            head.save()


def _erase_chunk(source: RecordSource, chunk: Sequence[Any], reason: str) -> None:
    with transaction.atomic():
        heads = origins.lock_all({row.origin for row in chunk if row.origin})
        source.on_erase(chunk)
        for other, rows in source.dependents(chunk):
            _erase_chunk(other, rows, reason)
        for origin, head in heads.items():  # a row of no known origin was never recorded, and leaves nothing
            key = keyring().find(head.key_id)
            numbered = [(row, row.sequence) for row in chunk if row.origin == origin and row.sequence]
            tombstones = [
                disposition_of(_number(source, row, sequence, key), origin, key, Disposition.Kind.ERASED, reason)
                for row, sequence in numbered
            ]
            head.erased += len(insert_new(tombstones, ["sequence", "origin"]))
            head.save()
        source.rows.filter(pk__in=[row.pk for row in chunk]).delete()


def _number(source: RecordSource, row: SealedRow, sequence: int, key: Key) -> Numbered:
    """What its tombstone keeps of a row."""
    digest = key.digest(source.record_of(row).content(row.record_version))
    return Numbered(sequence, digest, bytes(row.seal or b""), b"")
