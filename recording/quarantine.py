"""Retries quarantined records: once the cause is fixed, the record becomes the row that it should have been."""

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from recording.batches import Numbered
from recording.ingestion import insert, rejection_reason
from recording.models import Disposition, Origin
from recording.records import BadRecord, UnsupportedRecord, source_of
from recording.seals import Key, keyring
from recording.sources import Received, decode_all


def try_again(disposition: Disposition) -> bool:
    """Writes a quarantined record as a row and removes its disposition; otherwise updates the reason.

    Returns whether it left quarantine, also if another process was faster. Raises `OperationalError` or
    `InterfaceError` if the database is down, and `UnknownKey` if the sealing key is not configured: then nothing has
    changed.
    """
    with transaction.atomic():
        waiting = Disposition.objects.select_for_update().filter(pk=disposition.pk, kind=Disposition.Kind.QUARANTINED)
        quarantined = waiting.first()
        if quarantined is None:
            return True
        key = keyring().find(Origin.objects.only("key_id").get(pk=quarantined.origin).key_id)
        reason = _settle(quarantined, key)
        if reason:
            Disposition.objects.filter(pk=quarantined.pk).update(reason=reason[:200])
    return not reason


def _settle(quarantined: Disposition, key: Key) -> str:
    """Returns why it stays in quarantine; blank if it became a row."""
    number = Numbered(
        quarantined.sequence, bytes(quarantined.digest), bytes(quarantined.seal), bytes(quarantined.payload)
    )
    try:
        record = _decode_unchanged(quarantined, number, key)
        with transaction.atomic():
            Disposition.objects.filter(pk=quarantined.pk).delete()  # first: `insert` may add another one
            insert([record], quarantined.origin, key)
    except (OperationalError, InterfaceError):
        raise
    except UnsupportedRecord as exc:
        return str(exc)
    except (BadRecord, DatabaseError) as exc:
        return rejection_reason(exc)
    return ""


def _decode_unchanged(quarantined: Disposition, number: Numbered, key: Key) -> Received:
    """Raises `BadRecord` unless the bytes are those that were sealed: on any other row the seal would not verify."""
    (record,) = decode_all([number])
    if record.refusal:
        raise BadRecord(record.refusal)
    expected = key.disposition(quarantined.kind, number.seal, number.digest, number.payload)
    content = record.decoded.content(source_of(number.payload)[1])
    if expected != bytes(quarantined.disposition_seal) or key.digest(content) != number.digest:
        raise BadRecord("its bytes are not those that were sealed")
    return record
