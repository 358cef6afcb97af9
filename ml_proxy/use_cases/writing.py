"""Settles numbered records: as rows where that can be, with one statement for many, and a receipt with them.

A number is settled when there is a row with it, or a remnant that says why there is none. Settling the same batch again
changes nothing, whatever became of its records meanwhile: a row that was erased stays erased.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from ml_proxy import files, metrics, tracing
from ml_proxy.batches import Batch, Numbered
from ml_proxy.bulk import insert_new
from ml_proxy.models import InferenceLog, Origin, Receipt, Remnant
from ml_proxy.records import BadRecord, Record
from ml_proxy.seals import Key, keyring
from ml_proxy.use_cases import filing
from ml_proxy.use_cases.tracking.waiting import note_rows

log = logging.getLogger(__name__)

# What quarantine is for. Anything else, a table that is not there too, is the database's own trouble and passes.
_OF_THE_RECORD = (BadRecord, DataError, IntegrityError)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_batch(batch: Batch) -> None:
    """Settles a batch: rows, remnants, the origin's head and the receipt are one transaction.

    Raises Django's database errors where the database does not do its work; whoever sent the batch keeps it.
    Raises `UnknownKey` where the key that sealed it is not at hand.
    """
    key = keyring().find(batch.key_id)
    taken = _put_files(batch)
    with transaction.atomic():
        settled = _settle(batch, key, taken)
        _raise_head(batch, key)
        insert_new([Receipt(origin=batch.origin, first=batch.first, last=batch.last)], ["origin", "first", "last"])
    metrics.count_records(settled)
    if taken:
        erased = _with_remnant(batch, kind=Remnant.Kind.ERASED)
        filing.remove_late(number for number in filing.with_files(batch.records) if number.sequence in erased)


def row_of(record: Record, number: Numbered, origin: UUID, key: Key) -> InferenceLog:
    """The sealed row of a record."""
    now = datetime.now(UTC)
    size = _input_bytes(record) + len(record.output_data.encode())
    return InferenceLog(
        **{name: getattr(record, name) for name in Record.__dataclass_fields__},
        created_at=now,
        payload_bytes=size,
        origin=origin,
        sequence=number.sequence,
        seal=number.seal,
        row_seal=key.row(number.seal, number.digest, microseconds(now), size),
    )


def remnant_of(number: Numbered, origin: UUID, key: Key, kind: Remnant.Kind, reason: str) -> Remnant:
    """The sealed remnant of a record that is no row; only quarantine keeps its bytes."""
    payload = number.payload if kind == Remnant.Kind.QUARANTINED else b""
    return Remnant(
        origin=origin,
        sequence=number.sequence,
        kind=kind,
        digest=number.digest,
        seal=number.seal,
        own_seal=key.remnant(kind.value, number.seal, number.digest, payload),
        payload=payload,
        reason=reason,
        created_at=datetime.now(UTC),
    )


def insert(
    numbers: Sequence[Numbered], origin: UUID, key: Key, taken: Collection[str] = ()
) -> Counter[metrics.Outcome]:
    """Rows for all of `numbers`, or a remnant for one whose inference has its row under another number already.

    `taken` are the keys of files that the storage has; the others are written with the rows. Gives how many rows and
    remnants are new. Raises `BadRecord` or Django's database errors.
    """
    rows = [row_of(Record.decode(number.payload), number, origin, key) for number in numbers]
    inserted = insert_new(rows, ["id"])
    note_rows([row for row in rows if row.id in inserted])
    for row, number in zip(rows, numbers, strict=True):
        if row.files and row.id in inserted:
            filing.keep(row, number, taken)
    became: Counter[metrics.Outcome] = Counter({"written": len(inserted)})
    there = {row.id: number for row, number in zip(rows, numbers, strict=True) if row.id not in inserted}
    if there:
        same = set(InferenceLog.objects.filter(pk__in=there, origin=origin).values_list("id", "sequence"))
        repeats = [number for row_id, number in there.items() if (row_id, number.sequence) not in same]
        kind, reason = Remnant.Kind.REPEATED, "another number became the row of this inference"
        remnants = [remnant_of(number, origin, key, kind, reason) for number in repeats]
        became["repeated"] = len(insert_new(remnants, ["sequence", "origin"]))
    return became


def why_refused(exc: BadRecord | DatabaseError) -> str:
    """The reason for quarantine; a database's own words would quote the record."""
    return str(exc) if isinstance(exc, BadRecord) else f"the database refuses it ({type(exc).__name__})"


def microseconds(moment: datetime) -> int:
    """Since 1970, as seals take it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def _input_bytes(record: Record) -> int:
    """Of all of it, wherever it lies."""
    whole = files.whole(record.files)
    return whole.bytes if whole else len(record.input_data.encode())


def _put_files(batch: Batch) -> set[str]:
    """Puts the files of a batch's records into the storage; gives the keys of those that it took."""
    carrying = filing.with_files(batch.records)
    if not carrying:
        return set()
    settled = _with_remnant(batch)
    return filing.put(number for number in carrying if number.sequence not in settled)


def _settle(batch: Batch, key: Key, taken: Collection[str]) -> Counter[metrics.Outcome]:
    waiting = _unsettled(batch)
    try:
        with transaction.atomic():
            return insert(waiting, batch.origin, key, taken)
    except _OF_THE_RECORD:
        return sum((_settle_one(number, batch.origin, key, taken) for number in waiting), Counter())


def _unsettled(batch: Batch) -> list[Numbered]:
    """Without those that have a remnant: an erased record must not come back with a message that was late."""
    settled = _with_remnant(batch)
    return [number for number in batch.records if number.sequence not in settled]


def _with_remnant(batch: Batch, **kind: str) -> set[int]:
    """The numbers that have a remnant, of one kind where it is given."""
    found = Remnant.objects.filter(origin=batch.origin, sequence__gte=batch.first, sequence__lte=batch.last, **kind)
    return set(found.values_list("sequence", flat=True))


def _settle_one(number: Numbered, origin: UUID, key: Key, taken: Collection[str]) -> Counter[metrics.Outcome]:
    try:
        with transaction.atomic():
            return insert([number], origin, key, taken)
    except _OF_THE_RECORD as exc:
        reason = why_refused(exc)
        log.error("record %s of origin %s is quarantined: %s", number.sequence, origin, reason)
        tracing.refused(number.sequence)
        remnant = remnant_of(number, origin, key, Remnant.Kind.QUARANTINED, reason)
        return Counter({"quarantined": len(insert_new([remnant], ["sequence", "origin"]))})


def _raise_head(batch: Batch, key: Key) -> None:
    """Notes how far the origin's numbers go, in one statement, so that two workers can't undo each other's."""
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
