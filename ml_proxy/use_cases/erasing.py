"""Deliberate erasure: a row becomes a tombstone that still verifies, and tells nothing of what was there.

What doctors said of it goes with it: a note may name a patient, and a verdict alone tells what was found. So does what
an Idempotency-Key keeps of it. Its files go first: where the storage can't remove them, nothing is erased.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from ml_proxy import files
from ml_proxy.batches import Numbered
from ml_proxy.bulk import insert_new
from ml_proxy.models import IdempotencyKey, InferenceLog, Origin, Remnant, Unstored, Verdict
from ml_proxy.seals import keyring
from ml_proxy.use_cases import filing
from ml_proxy.use_cases.verdicts import one_after_another
from ml_proxy.use_cases.writing import remnant_of

AT_ONCE = 500  # rows in a transaction


def matching(
    *, doctor: str | None = None, patient: str | None = None, before: datetime | None = None
) -> QuerySet[InferenceLog]:
    """The rows that all of the given conditions name; `before` is exclusive."""
    exact = {"doctor_name": doctor, "patient_name": patient, "predicted_at__lt": before}
    return InferenceLog.objects.filter(**{name: value for name, value in exact.items() if value is not None})


def erase(rows: QuerySet[InferenceLog], reason: str) -> Iterator[int]:
    """Erases rows, a batch in a transaction, and yields how many each took. Raises `UnknownKey` or `StorageDown`.

    Records that are still on their way are no rows yet, and are not erased.
    """
    while some := list(rows.order_by("pk")[:AT_ONCE]):
        filed = [file for row in some for file in files.read(row.files)]
        filing.remove(filed)
        _erase_some(some, reason)
        filing.remove(filed)  # a worker may have put one there meanwhile, for a message that came twice
        yield len(some)


@one_after_another()
def _erase_some(some: Sequence[InferenceLog], reason: str) -> None:
    tombstones = [_tombstone(row, row.origin, row.sequence, reason) for row in some if row.origin and row.sequence]
    insert_new(tombstones, ["origin", "sequence"])
    erased = [row.pk for row in some]
    Verdict.objects.filter(inference__in=erased).delete()
    Unstored.objects.filter(inference__in=erased).delete()
    IdempotencyKey.objects.filter(inference_id__in=erased).delete()
    InferenceLog.objects.filter(pk__in=erased).delete()


def _tombstone(row: InferenceLog, origin: UUID, sequence: int, reason: str) -> Remnant:
    key = keyring().find(Origin.objects.only("key_id").get(pk=origin).key_id)
    digest = key.digest(row.as_record().content())
    number = Numbered(sequence, digest, bytes(row.seal or b""), b"")
    return remnant_of(number, origin, key, Remnant.Kind.ERASED, reason)
