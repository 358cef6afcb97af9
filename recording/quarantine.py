"""Retries quarantined records: once the cause is fixed, the record becomes the row that it should have been."""

from django.db import Error, transaction

from recording import origins
from recording.batches import Numbered
from recording.ingestion import MAX_REASON, disposition_seal, insert, is_genuine, is_record_fault, rejection_reason
from recording.models import Disposition
from recording.records import BadRecord, UnsupportedRecord
from recording.seals import Key, UnknownKey, keyring
from recording.sources import Received, decode_all


def try_again(disposition: Disposition) -> bool:
    """Writes a quarantined record as a row and removes its disposition; otherwise updates the reason.

    Returns whether it left quarantine, also if another process was faster. Raises Django's database errors if the
    database fails, and `UnknownKey` if the sealing key is not configured: then nothing has changed.
    """
    with transaction.atomic():
        head = origins.lock(disposition.origin)
        waiting = Disposition.objects.select_for_update().filter(pk=disposition.pk, kind=Disposition.Kind.QUARANTINED)
        quarantined = waiting.first()
        if quarantined is None:
            return True
        if head is None:
            raise UnknownKey(f"the origin {quarantined.origin} has no head, so its key is not known: run verify_log")
        key = keyring().find(head.key_id)
        reason = _settle(quarantined, key)
        if reason and is_genuine(quarantined, key):  # otherwise `verify_log` must go on to report it
            quarantined.reason = reason[:MAX_REASON]
            quarantined.disposition_seal = disposition_seal(quarantined, key)
            quarantined.save(update_fields=["reason", "disposition_seal"])
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
    except UnsupportedRecord as exc:
        return str(exc)
    except (BadRecord, Error) as exc:
        if not is_record_fault(exc):
            raise
        return rejection_reason(exc)
    return ""


def _decode_unchanged(quarantined: Disposition, number: Numbered, key: Key) -> Received:
    """Raises `BadRecord` unless the bytes are those that were sealed: on any other row the seal would not verify."""
    (record,) = decode_all([number])
    if record.refusal:
        raise BadRecord(record.refusal)
    if not is_genuine(quarantined, key) or key.digest(record.content) != number.digest:
        raise BadRecord("its bytes are not those that were sealed")
    return record
