"""Origins whose heads are folded, without waiting a day."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from ml_proxy.models import InferenceLog
from ml_proxy.source import INFERENCES
from recording import fold_heads, origins
from recording.batches import Batch
from recording.erasure import erase
from recording.ingestion import write_batch
from recording.journal import Spool, Writer
from recording.lookups import lookup
from recording.models import Origin
from recording.publisher.heads import Heads
from recording.seals import keyring
from tests.support.record_pipeline import append, record

if TYPE_CHECKING:
    from django.db.models import QuerySet

NOW = timedelta(seconds=-1)


def write_origin(journal: Path, *patients: str) -> Batch:
    """An origin with a row for each patient, which has ended and of which the journal has nothing any more."""
    writer = Writer(journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    for patient in patients:
        append(writer, record(patient_name=patient))
    [name] = [each for each in Spool(journal).segments() if UUID(each.origin) not in _known()]
    writer.close()
    batch = Batch.of(UUID(name.origin), "host", name.key_id, Spool(journal).entries(name))
    write_batch(batch)
    origins.end(batch.origin)
    (journal / str(name)).unlink()
    return batch


def rows_of(*patients: str) -> "QuerySet[InferenceLog]":
    """The rows of these patients, found as history finds them: the names may be encrypted."""
    return InferenceLog.objects.filter(patient_key__in=[lookup("patient_name", patient) for patient in patients])


def erase_rows_of(*patients: str) -> int:
    """Erases the rows of these patients, and returns how many there were."""
    return sum(erase(INFERENCES, rows_of(*patients), "asked for"))


def fold(size: int = 2, *, unchanged_for: timedelta = fold_heads.UNCHANGED_FOR) -> int:
    """Folds what has ended."""
    return fold_heads.fold_heads(size=size, ended_for=NOW, unchanged_for=unchanged_for)


def save_heads(journal: Path) -> None:
    """As a publisher that has just started."""
    heads = Heads(journal)
    heads.update()
    heads.save()


def is_open(origin: UUID) -> bool:
    """Whether its head has a row of its own."""
    return Origin.objects.filter(pk=origin).exists()


def _known() -> Iterable[UUID]:
    return set(Origin.objects.values_list("pk", flat=True))
