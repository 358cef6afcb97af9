"""A second try for a record that no table took: once the cause is mended, it becomes the row it should have been."""

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from ml_proxy.batches import Numbered
from ml_proxy.models import Origin, Remnant
from ml_proxy.records import BadRecord, Record
from ml_proxy.seals import Key, keyring
from ml_proxy.use_cases.writing import insert, why_refused


def try_again(remnant: Remnant) -> bool:
    """Makes a quarantined record a row and removes its remnant, or keeps it with its new reason; gives which.

    Also true where another try got there first. Raises `OperationalError` or `InterfaceError` where the database is
    not there, and `UnknownKey` where the key that sealed it is not at hand: then nothing has changed.
    """
    with transaction.atomic():
        kept = Remnant.objects.select_for_update().filter(pk=remnant.pk, kind=Remnant.Kind.QUARANTINED).first()
        if kept is None:
            return True
        key = keyring().find(Origin.objects.only("key_id").get(pk=kept.origin).key_id)
        reason = _settle(kept, key)
        if reason:
            Remnant.objects.filter(pk=kept.pk).update(reason=reason[:200])
    return not reason


def _settle(kept: Remnant, key: Key) -> str:
    """Why it stays; blank where it became a row."""
    number = Numbered(kept.sequence, bytes(kept.digest), bytes(kept.seal), bytes(kept.payload))
    try:
        _require_unchanged(kept, number, key)
        with transaction.atomic():
            Remnant.objects.filter(pk=kept.pk).delete()  # first: an inference that has its row leaves another here
            insert([number], kept.origin, key)
    except (OperationalError, InterfaceError):
        raise
    except (BadRecord, DatabaseError) as exc:
        return why_refused(exc)
    return ""


def _require_unchanged(kept: Remnant, number: Numbered, key: Key) -> None:
    """Raises `BadRecord` unless its bytes are those that were sealed: no seal would hold on any other row."""
    content = Record.decode(number.payload).content()
    own = key.remnant(kept.kind, number.seal, number.digest, number.payload)
    if own != bytes(kept.own_seal) or key.digest(content) != number.digest:
        raise BadRecord("its bytes are not those that were sealed")
