"""`celery -A worker.logs worker --queues logs`: short and many. Writes the log."""

import logging
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from ml_proxy import courier, logs, tracing
from ml_proxy.batches import BadBatch, Batch
from ml_proxy.seals import UnknownKey
from ml_proxy.use_cases.writing import write_batch
from worker.app import make_app

log = logging.getLogger(__name__)

# Acknowledged early: the journal sends again whatever has no receipt in time.
app = make_app("logs", visibility_timeout=300)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)


class NotWritten(Exception):
    """The rows were not written; the journal still has them and sends them again. Holds no row's text."""


@app.task(name=courier.WRITE_RECORDS, ignore_result=True, throws=(NotWritten,))
def write_records(*_: Any, **message: Any) -> None:
    """Settles one message's records. One that is no batch is nobody's record, and is dropped."""
    try:
        batch = Batch.from_message(message)
    except BadBatch as exc:
        log.error("a message is dropped: %s", exc)
        return
    logs.about(batch=str(batch))
    try:
        with tracing.writing(batch):
            write_batch(batch)
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        raise NotWritten(f"no database ({type(exc).__name__}): {batch} will come again") from None
    except UnknownKey as exc:
        log.error("%s from host %s can't be written here and will come again: %s", batch, batch.host, exc)
        raise NotWritten(f"unknown key: {batch} will come again") from None
