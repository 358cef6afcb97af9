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
from recording.ingestion import disposition_of, is_genuine
from recording.models import Disposition, SealedRow
from recording.records import BadRecord, SealableRecord, UnsupportedRecord, source_of
from recording.seals import Key, keyring
from recording.sources import RecordSource

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK_ROWS = 500  # rows in a transaction


def matching(source: RecordSource, *, before: Any = None, **values: str | None) -> "QuerySet[Any]":
    """The source's rows that match all of the given conditions, which are named as in its `filters`.

    `before` is exclusive and compares the time of the event.
    """
    rows = source.matching(_given(values))
    return rows if before is None else rows.filter(**{f"{source.model.time_field}__lt": before})


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


def erase_quarantined(
    source: RecordSource, reason: str, *, before: Any = None, **values: str | None
) -> tuple[int, int]:
    """Turns quarantined records that match all of the given conditions into tombstones.

    Returns how many, and how many were left because somebody changed them: a tombstone would hide that. Bytes that
    can't be decoded match if they contain the given texts as JSON. Raises `UnknownKey`, or what the source's hooks
    raise: then the remaining records are kept.
    """
    conditions = _given(values)
    erased = left = 0
    for each in walk(Disposition.objects.filter(kind=Disposition.Kind.QUARANTINED), "pk"):
        rows = _matching_rows(source, each, conditions, before)
        if rows is None:
            continue
        key = _key_of(each)
        if key is None or not is_genuine(each, key):  # first: changed bytes could name the files of another record
            left += 1
            continue
        source.before_erase(rows)
        erased += _erase_one(source, each, key, rows, reason)
        source.after_erase(rows)
    return erased, left


def erase_unrecorded(source: RecordSource, *, before: Any = None, **values: str | None) -> None:
    """Removes matching records from wherever they may still become rows: an answer may be kept for a repeat."""
    conditions = _given(values)
    source.erase_unrecorded(lambda record: _matches(source, record, conditions, before))


def _matching_rows(
    source: RecordSource, quarantined: Disposition, conditions: Mapping[str, Any], before: Any
) -> list[SealedRow] | None:
    """The unsaved row of a quarantined record that matches, or none if it can't be decoded; None: it does not match."""
    payload = bytes(quarantined.payload)
    try:
        found, record = sources.decoded(payload)
    except (BadRecord, UnsupportedRecord):
        is_named = all(_names(payload, str(value)) for value in conditions.values())
        is_before = before is None or quarantined.created_at < before
        return [] if conditions and is_named and is_before and _may_be_of(source, payload) else None
    if found is not source or not _matches(source, record, conditions, before):
        return None
    return [source.model(**vars(record))]


def _matches(source: RecordSource, record: SealableRecord, conditions: Mapping[str, Any], before: Any) -> bool:
    is_before = before is None or getattr(record, source.model.time_field) < before
    return is_before and source.matches(record, conditions)


def _given(values: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _names(payload: bytes, text: str) -> bool:
    """Whether bytes contain a text as JSON, with or without escapes."""
    return any(json.dumps(text, ensure_ascii=is_ascii).encode() in payload for is_ascii in (False, True))


def _may_be_of(source: RecordSource, payload: bytes) -> bool:
    try:
        return source_of(payload)[0] == source.name
    except BadRecord:
        return True


def _key_of(quarantined: Disposition) -> Key | None:
    """The key of its origin; None for an origin that is unknown. Raises `UnknownKey`."""
    head = origins.find({quarantined.origin}).get(quarantined.origin)
    return keyring().find(head.key_id) if head else None


def _erase_one(
    source: RecordSource, quarantined: Disposition, key: Key, rows: Sequence[SealedRow], reason: str
) -> bool:
    """Whether it became a tombstone; not if it left quarantine, or was changed, before its head was locked."""
    with transaction.atomic():
        head = origins.lock(quarantined.origin)
        here = Disposition.objects.filter(pk=quarantined.pk, kind=Disposition.Kind.QUARANTINED).first()
        if head is None or here is None or not is_genuine(here, key):
            return False
        source.on_erase(rows)
        here.delete()
        number = Numbered(here.sequence, bytes(here.digest), bytes(here.seal), b"")
        insert_new([disposition_of(number, head.origin, key, Disposition.Kind.ERASED, reason)], ["sequence", "origin"])
        head.erased += 1
        head.save()
        return True


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
    digest = key.digest(source.content_of(vars(row)))
    return Numbered(sequence, digest, bytes(row.seal or b""), b"")
