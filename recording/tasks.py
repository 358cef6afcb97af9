"""The ledger's tasks. The one that writes the log acknowledges early: the publisher resends what is not settled."""

import logging
from typing import Any

from celery import shared_task
from django.db import Error, connection

from common import logs, tracing
from common.database_errors import trouble
from common.encryption import UnknownDataKey
from common.tasks import NoDatabase, database_needed
from recording import fold_heads, retention
from recording.batches import WRITE_RECORDS, BadBatch, Batch
from recording.ingestion import write_batch
from recording.origins import WrongKey
from recording.records import UnsupportedRecord, traceparent_of
from recording.seals import UnknownKey

log = logging.getLogger(__name__)


class NotWritten(Exception):
    """The rows were not written; the publisher will send them again. The error text quotes no row."""


@shared_task(name=WRITE_RECORDS, ignore_result=True, throws=(NotWritten,))
def write_records(*_: Any, **message: Any) -> None:
    """Settles one message's records. Drops a message that is not a batch."""
    try:
        batch = Batch.from_message(message)
    except BadBatch as exc:
        log.error("message dropped: %s", exc)
        return
    except UnknownKey as exc:
        log.error("a batch can't be written here and will be sent again: %s", exc)
        raise NotWritten("UnknownKey: the batch will be sent again") from None
    logs.about(batch=str(batch))
    try:
        traced = ((each.sequence, traceparent_of(each.payload)) for each in batch.records)
        with tracing.write_span(str(batch.origin), traced):
            write_batch(batch)
    except Error as exc:
        problem = f"the database {trouble(exc) or 'fails'} ({type(exc).__name__})"
        connection.close()
        raise NotWritten(f"{problem}: {batch} will be sent again") from None
    except (UnknownKey, UnknownDataKey, UnsupportedRecord, WrongKey) as exc:
        log.error("%s from host %s can't be written here and will be sent again: %s", batch, batch.host, exc)
        raise NotWritten(f"{type(exc).__name__}: {batch} will be sent again") from None


@shared_task(name="recording.erase_expired", ignore_result=True, throws=(NoDatabase,))
def erase_expired() -> None:
    """Erases records whose retention has ended."""
    with database_needed():
        for source, count in retention.erase_expired().items():
            if count:
                log.info("%s records of %s were erased: their retention has ended", count, source)


@shared_task(name="recording.fold_heads", ignore_result=True, throws=(NoDatabase,))
def fold_old_heads() -> None:
    """Folds the heads of origins to which nobody writes any more."""
    with database_needed():
        if count := fold_heads.fold_heads():
            log.info("%d heads were folded", count)
