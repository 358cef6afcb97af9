"""A second try for a record that no table took: once the cause is mended, it becomes the row it should have been."""

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from recording.batches import Numbered
from recording.ingestion import insert, why_refused
from recording.models import Disposition, Origin
from recording.records import BadRecord, UnsupportedRecord
from recording.seals import Key, keyring
from recording.sources import Received, received


def try_again(disposition: Disposition) -> bool:
    """Makes a quarantined record a row and removes its disposition, or keeps it with its new reason; gives which.

    Also true where another try got there first. Raises `OperationalError` or `InterfaceError` where the database is
    not there, and `UnknownKey` where the key that sealed it is not at hand: then nothing has changed.
    """
    with transaction.atomic():
        waiting = Disposition.objects.select_for_update().filter(pk=disposition.pk, kind=Disposition.Kind.QUARANTINED)
        kept = waiting.first()
        if kept is None:
            return True
        key = keyring().find(Origin.objects.only("key_id").get(pk=kept.origin).key_id)
        reason = _settle(kept, key)
        if reason:
            Disposition.objects.filter(pk=kept.pk).update(reason=reason[:200])
    return not reason


def _settle(kept: Disposition, key: Key) -> str:
    """Why it stays; blank where it became a row."""
    number = Numbered(kept.sequence, bytes(kept.digest), bytes(kept.seal), bytes(kept.payload))
    try:
        found = _unchanged(kept, number, key)
        with transaction.atomic():
            Disposition.objects.filter(pk=kept.pk).delete()  # first: an event that has its row leaves another here
            insert([found], kept.origin, key)
    except (OperationalError, InterfaceError):
        raise
    except UnsupportedRecord as exc:
        return str(exc)
    except (BadRecord, DatabaseError) as exc:
        return why_refused(exc)
    return ""


def _unchanged(kept: Disposition, number: Numbered, key: Key) -> Received:
    """Raises `BadRecord` unless its bytes are those that were sealed: no seal would hold on any other row."""
    (found,) = received([number])
    if found.refusal:
        raise BadRecord(found.refusal)
    own = key.disposition(kept.kind, number.seal, number.digest, number.payload)
    if own != bytes(kept.disposition_seal) or key.digest(found.decoded.content()) != number.digest:
        raise BadRecord("its bytes are not those that were sealed")
    return found
