"""Ingestion: settles numbered records. One transaction writes a batch's rows or dispositions, and the origin's head.

A number is settled once it has a row, or a disposition that says why there is no row. Ingestion is idempotent: what is
settled is not written again, so a row that was erased stays erased.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import Error, transaction

from common import metrics, tracing
from common.bulk_insert import insert_new
from common.database_errors import is_row_fault
from common.number_set import between
from recording import lookups, origins, sources
from recording.batches import Batch, Numbered
from recording.models import Disposition, SealedRow
from recording.origins import Head
from recording.records import BadRecord, decrypted, microseconds
from recording.seals import Key, keyring
from recording.sources import Received, RecordSource, decode_all

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = logging.getLogger(__name__)

Outcomes = Counter[metrics.Outcome]
MAX_REASON = 200  # characters
_WHY_REPEATED = {
    False: "another number became the row of this event",
    True: "the row of this event was erased under another number",
}


def write_batch(batch: Batch, *, is_restoring: bool = False) -> Outcomes:
    """Settles a batch: rows, dispositions and the origin's head are one transaction. Returns what is new.

    Numbers that are settled already are left alone; when restoring, those that have a row or a disposition.

    Raises Django's database errors if the database fails, `UnknownKey` if the sealing key is not configured,
    `UnknownDataKey` if one that decrypts is not, `WrongKey` if the origin has another one, and `UnsupportedRecord` if a
    newer worker has to write it. Then nothing is written and the publisher sends it again.
    """
    key = keyring().find(batch.key_id)
    batch = _decrypted(batch)
    records = _decode(batch, key)
    with transaction.atomic():
        head = origins.lock_or_create(batch.origin, batch.host, key)
        settled = present(batch.origin, batch.first, batch.last) if is_restoring else _settled(batch, head)
        outcomes = _write([each for each in records if each.number.sequence not in settled], batch.origin, key)
        head.settled |= between(batch.first, batch.last)
        head.save()
    metrics.count_records(outcomes)
    return outcomes


def numbered_rows() -> "list[QuerySet[Any]]":
    """The rows of each table whose rows have a number within an origin."""
    return [*(source.rows for source in sources.registered()), Disposition.objects.all()]


def seals(origin: UUID, first: int, last: int) -> dict[int, bytes]:
    """The seals of the origin's rows and dispositions from `first` to `last`, by number."""
    numbers = {"origin": origin, "sequence__range": (first, last)}
    found = chain.from_iterable(rows.filter(**numbers).values_list("sequence", "seal") for rows in numbered_rows())
    return {sequence: bytes(seal or b"") for sequence, seal in found}


def present(origin: UUID, first: int, last: int) -> set[int]:
    """The origin's numbers from `first` to `last` that have a row or a disposition."""
    return set(seals(origin, first, last))


def insert(records: Sequence[Received], origin: UUID, key: Key) -> Outcomes:
    """Writes a row for each record, or a disposition if its event has or had a row under another number.

    Returns how many rows and dispositions are new. Raises `BadRecord` or Django's database errors.
    """
    outcomes: Outcomes = Counter()
    for source, group in _by_source(records).items():
        outcomes += _insert_rows(source, group, origin, key)
    return outcomes


def disposition_of(number: Numbered, origin: UUID, key: Key, kind: Disposition.Kind, reason: str) -> Disposition:
    """The sealed disposition of a record that has no row; only quarantine keeps its bytes."""
    payload = number.payload if kind == Disposition.Kind.QUARANTINED else b""
    disposition = Disposition(
        origin=origin,
        sequence=number.sequence,
        kind=kind,
        digest=number.digest,
        seal=number.seal,
        payload=payload,
        reason=reason[:MAX_REASON],
        created_at=datetime.now(UTC),
    )
    disposition.disposition_seal = disposition_seal(disposition, key)
    return disposition


def disposition_seal(each: Disposition, key: Key) -> bytes:
    """The seal that a disposition must have: over its number, its kind, its bytes, its reason and its time."""
    digest, seal, payload = bytes(each.digest), bytes(each.seal), bytes(each.payload)
    text = f"{each.origin} {each.sequence} {each.kind} {each.reason}"
    return key.disposition(seal, digest, payload, microseconds(each.created_at), text)


def is_record_fault(exc: BadRecord | Error) -> bool:
    """Whether the record has to be quarantined. If not, the database failed, and the batch has to wait."""
    return isinstance(exc, BadRecord) or is_row_fault(exc)


def is_genuine(each: Disposition, key: Key) -> bool:
    """Whether the seal of a disposition verifies."""
    return disposition_seal(each, key) == bytes(each.disposition_seal)


def rejection_reason(exc: BadRecord | Error) -> str:
    """The reason for quarantine, without the database's own message, which would quote the record."""
    return str(exc) if isinstance(exc, BadRecord) else f"the database refuses it ({type(exc).__name__})"


def _decrypted(batch: Batch) -> Batch:
    """The batch with clear payloads. Raises `UnknownDataKey`."""
    payloads = [decrypted(each.payload) for each in batch.records]
    pairs = zip(batch.records, payloads, strict=True)
    clear = tuple(each if payload is each.payload else each._replace(payload=payload) for each, payload in pairs)
    return replace(batch, records=clear)


def _decode(batch: Batch, key: Key) -> list[Received]:
    """Decodes a batch, and refuses records that are not those that were sealed. Raises `UnsupportedRecord`."""
    records = decode_all(batch.records)
    previous: Numbered | None = None
    for each in records:
        number = each.number
        if each.record is not None and key.digest(each.content) != number.digest:
            each.refuse("its bytes are not those that were sealed")
        elif previous and key.seal(previous.seal, batch.origin, number.sequence, number.digest) != number.seal:
            each.refuse("its seal is not that of its number")
        previous = number
    return records


def _settled(batch: Batch, head: Head) -> Collection[int]:
    """The batch's numbers that must not be written again. A head whose seal does not verify is not believed."""
    settled = between(batch.first, batch.last) & head.settled if head.is_genuine else ()
    return {*settled, *_with_disposition(batch.origin, batch.first, batch.last)}


def _write(records: Sequence[Received], origin: UUID, key: Key) -> Outcomes:
    try:
        with transaction.atomic():
            _require_valid(records)
            return insert(records, origin, key)
    except (BadRecord, Error) as exc:
        if not is_record_fault(exc):
            raise
        return sum((_settle_one(each, origin, key) for each in records), Counter())


def _settle_one(each: Received, origin: UUID, key: Key) -> Outcomes:
    try:
        with transaction.atomic():
            _require_valid([each])
            return insert([each], origin, key)
    except (BadRecord, Error) as exc:
        if not is_record_fault(exc):
            raise
        reason, number = rejection_reason(exc), each.number
        log.error("record %s of origin %s is quarantined: %s", number.sequence, origin, reason)
        tracing.mark_refused(number.sequence)
        quarantined = disposition_of(number, origin, key, Disposition.Kind.QUARANTINED, reason)
        return Counter({"quarantined": len(insert_new([quarantined], ["sequence", "origin"]))})


def _require_valid(records: Iterable[Received]) -> None:
    for each in records:
        if each.refusal:
            raise BadRecord(each.refusal)


def _insert_rows(source: RecordSource, group: Sequence[Received], origin: UUID, key: Key) -> Outcomes:
    firsts: dict[UUID, Received] = {}
    for each in group:
        firsts.setdefault(each.event, each)
    rows = rows_of(source, list(firsts.values()), origin, key)
    inserted = insert_new(rows, ["id"])
    erased = _remove_erased(source, [firsts[row_id] for row_id in inserted], key)
    added = inserted - erased
    new = {row.pk: row for row in rows if row.pk in added}
    if new:
        source.after_insert(list(new.values()))
        sources.notify_followers(source, list(new.values()))
    others = [each for each in group if each.event not in new or new[each.event].sequence != each.number.sequence]
    repeats = _repeats(source, others, erased, origin, key)
    return Counter({"written": len(new), "repeated": len(insert_new(repeats, ["sequence", "origin"]))})


def _remove_erased(source: RecordSource, inserted: Sequence[Received], key: Key) -> set[UUID]:
    """Removes new rows of events that were erased under another number, and returns these events.

    Only after the INSERT: it waits for a transaction that is erasing the event's row, whose tombstone shows then.
    """
    others = keyring().others(key)
    events = {digest: each.event for each in inserted for digest in _digests(each, others)}
    tombstones = Disposition.objects.filter(kind=Disposition.Kind.ERASED, digest__in=events) if events else ()
    erased = {events[bytes(each.digest)] for each in tombstones}
    if erased:
        source.rows.filter(pk__in=erased).delete()
    return erased


def _digests(each: Received, others: Iterable[Key]) -> set[bytes]:
    """The digests that a tombstone of its event may have: the content is the same, the key may be another one."""
    return {each.number.digest, *(other.digest(each.content) for other in others)}


def _repeats(
    source: RecordSource, others: Sequence[Received], erased: set[UUID], origin: UUID, key: Key
) -> list[Disposition]:
    """Dispositions of records whose event has or had a row under another number; redelivered records get none."""
    if not others:
        return []
    rows = source.rows.filter(pk__in={each.event for each in others}, origin=origin)
    redelivered = set(rows.values_list("id", "sequence"))
    return [
        disposition_of(each.number, origin, key, Disposition.Kind.REPEATED, _WHY_REPEATED[each.event in erased])
        for each in others
        if (each.event, each.number.sequence) not in redelivered
    ]


def rows_of(source: RecordSource, records: Iterable[Received], origin: UUID, key: Key) -> list[SealedRow]:
    """The sealed rows of records of one source."""
    now = datetime.now(UTC)
    rows = [_row_of(source, each, origin, key, now) for each in records]
    lookups.fill(source.model, rows)
    return rows


def _row_of(source: RecordSource, each: Received, origin: UUID, key: Key, now: datetime) -> SealedRow:
    number, size = each.number, each.decoded.payload_bytes
    row: SealedRow = source.model(
        **vars(each.decoded),
        created_at=now,
        payload_bytes=size,
        record_version=each.version,
        origin=origin,
        sequence=number.sequence,
        seal=number.seal,
        row_seal=key.row((origin, number.sequence), number.seal, number.digest, microseconds(now), size),
    )
    row.received = each
    return row


def _by_source(records: Iterable[Received]) -> dict[RecordSource, list[Received]]:
    groups: dict[RecordSource, list[Received]] = defaultdict(list)
    for each in records:
        if each.source is not None:
            groups[each.source].append(each)
    return groups


def _with_disposition(origin: UUID, first: int, last: int) -> set[int]:
    """The origin's numbers from `first` to `last` that have a disposition."""
    dispositions = Disposition.objects.filter(origin=origin, sequence__range=(first, last))
    return set(dispositions.values_list("sequence", flat=True))
