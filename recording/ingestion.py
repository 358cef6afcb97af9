"""Ingestion: settles numbered records. One transaction writes a batch's rows or dispositions, and its receipt.

A number is settled once it has a row, or a disposition that says why there is no row. Ingestion is idempotent: writing
the same batch again changes nothing, and a row that was erased stays erased.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from common import metrics, tracing
from common.bulk_insert import insert_new
from recording import sources
from recording.batches import Batch, Numbered
from recording.models import Disposition, Origin, Receipt, SealedRow
from recording.records import BadRecord, SealableRecord, microseconds, source_of
from recording.seals import Key, keyring
from recording.sources import Received, RecordSource, decode_all

log = logging.getLogger(__name__)

Outcomes = Counter[metrics.Outcome]

# These errors quarantine the record. Any other, such as a missing table, is a fault of the database and is raised.
_RECORD_ERRORS = (BadRecord, DataError, IntegrityError)


def write_batch(batch: Batch) -> None:
    """Settles a batch: rows, dispositions, the origin's head and the receipt are one transaction.

    Raises Django's database errors if the database fails, `UnknownKey` if the sealing key is not configured, and
    `UnsupportedRecord` if a newer worker has to write it. Then nothing is written and the publisher sends it again.
    """
    key = keyring().find(batch.key_id)
    records = decode_all(batch.records)
    prepared = _prepare(records, batch)
    with transaction.atomic():
        outcomes = _settle(records, batch, key)
        _raise_head(batch, key)
        insert_new([Receipt(origin=batch.origin, first=batch.first, last=batch.last)], ["origin", "first", "last"])
    metrics.count_records(outcomes)
    _discard_erased(prepared, batch)


def insert(records: Sequence[Received], origin: UUID, key: Key) -> Outcomes:
    """Writes a row for each record, or a disposition if its event already has a row under another number.

    Returns how many rows and dispositions are new. Raises `BadRecord` or Django's database errors.
    """
    outcomes: Outcomes = Counter()
    for source, group in _by_source(records).items():
        outcomes += _insert_rows(source, group, origin, key)
    return outcomes


def disposition_of(number: Numbered, origin: UUID, key: Key, kind: Disposition.Kind, reason: str) -> Disposition:
    """The sealed disposition of a record that has no row; only quarantine keeps its bytes."""
    payload = number.payload if kind == Disposition.Kind.QUARANTINED else b""
    return Disposition(
        origin=origin,
        sequence=number.sequence,
        kind=kind,
        digest=number.digest,
        seal=number.seal,
        disposition_seal=key.disposition(kind.value, number.seal, number.digest, payload),
        payload=payload,
        reason=reason,
        created_at=datetime.now(UTC),
    )


def rejection_reason(exc: BadRecord | DatabaseError) -> str:
    """The reason for quarantine, without the database's own message, which would quote the record."""
    return str(exc) if isinstance(exc, BadRecord) else f"the database refuses it ({type(exc).__name__})"


def _prepare(records: Iterable[Received], batch: Batch) -> dict[RecordSource, list[Received]]:
    """Calls each source's `before_insert`, outside the transaction. Returns the records that it was called for."""
    needing = [each for each in records if each.source is not None and each.source.needs_preparation(each)]
    settled = _with_disposition(batch) if needing else set()
    groups = _by_source(each for each in needing if each.number.sequence not in settled)
    for source, group in groups.items():
        source.before_insert(group)
    return groups


def _discard_erased(prepared: Mapping[RecordSource, Sequence[Received]], batch: Batch) -> None:
    """Calls `after_discard` for prepared records that turn out to have been erased."""
    if prepared:
        erased = _with_disposition(batch, kind=Disposition.Kind.ERASED)
        for source, group in prepared.items():
            source.after_discard([each for each in group if each.number.sequence in erased])


def _settle(records: Sequence[Received], batch: Batch, key: Key) -> Outcomes:
    settled = _with_disposition(batch)  # a late message must not bring an erased record back
    waiting = [each for each in records if each.number.sequence not in settled]
    try:
        with transaction.atomic():
            _require_valid(waiting)
            return insert(waiting, batch.origin, key)
    except _RECORD_ERRORS:
        return sum((_settle_one(each, batch.origin, key) for each in waiting), Counter())


def _settle_one(each: Received, origin: UUID, key: Key) -> Outcomes:
    try:
        with transaction.atomic():
            _require_valid([each])
            return insert([each], origin, key)
    except _RECORD_ERRORS as exc:
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
    rows: dict[UUID, SealedRow] = {}
    for each in group:
        if each.event not in rows:
            row = rows[each.event] = row_of(source, each.decoded, each.number, origin, key)
            row.received = each
    inserted = insert_new(list(rows.values()), ["id"])
    new = {row_id: row for row_id, row in rows.items() if row_id in inserted}
    if new:
        source.after_insert(list(new.values()))
        sources.notify_followers(source, list(new.values()))
    others = [each for each in group if each.event not in new or new[each.event].sequence != each.number.sequence]
    return Counter({"written": len(new), "repeated": _note_repeats(source, others, origin, key)})


def _note_repeats(source: RecordSource, others: Sequence[Received], origin: UUID, key: Key) -> int:
    """Writes dispositions for records whose event has a row under another number; redelivered records get none."""
    if not others:
        return 0
    rows = source.rows.filter(pk__in={each.event for each in others}, origin=origin)
    redelivered = set(rows.values_list("id", "sequence"))
    kind, reason = Disposition.Kind.REPEATED, "another number became the row of this event"
    repeats = [
        disposition_of(each.number, origin, key, kind, reason)
        for each in others
        if (each.event, each.number.sequence) not in redelivered
    ]
    return len(insert_new(repeats, ["sequence", "origin"]))


def row_of(source: RecordSource, record: SealableRecord, number: Numbered, origin: UUID, key: Key) -> SealedRow:
    """The sealed row of a record."""
    now, size = datetime.now(UTC), record.payload_bytes
    return source.model(
        **vars(record),
        created_at=now,
        payload_bytes=size,
        record_version=source_of(number.payload)[1],  # during an upgrade, older than what this process writes
        origin=origin,
        sequence=number.sequence,
        seal=number.seal,
        row_seal=key.row(number.seal, number.digest, microseconds(now), size),
    )


def _by_source(records: Iterable[Received]) -> dict[RecordSource, list[Received]]:
    groups: dict[RecordSource, list[Received]] = defaultdict(list)
    for each in records:
        if each.source is not None:
            groups[each.source].append(each)
    return groups


def _with_disposition(batch: Batch, **kind: str) -> set[int]:
    """The batch's numbers that have a disposition, optionally of one kind only."""
    numbers = {"sequence__gte": batch.first, "sequence__lte": batch.last}
    dispositions = Disposition.objects.filter(origin=batch.origin, **numbers, **kind)
    return set(dispositions.values_list("sequence", flat=True))


def _raise_head(batch: Batch, key: Key) -> None:
    """Raises the origin's highest number, in one conditional statement, so that concurrent workers can't lower it."""
    table = connection.ops.quote_name(Origin._meta.db_table)  # noqa: SLF001 - Django documents _meta as public
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, host, key_id, highest, ended, seal) VALUES (%s, %s, %s, %s, %s, %s) "  # noqa: S608
            f"ON CONFLICT (id) DO UPDATE SET host = excluded.host, highest = excluded.highest, "
            f"ended = excluded.ended, seal = excluded.seal "
            f"WHERE {table}.highest < excluded.highest",
            [
                Origin._meta.pk.get_db_prep_save(batch.origin, connection),  # noqa: SLF001
                batch.host,
                batch.key_id,
                batch.last,
                False,
                key.head(batch.origin, batch.host, batch.last, ended=False),
            ],
        )
